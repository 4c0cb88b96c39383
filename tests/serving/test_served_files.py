"""Which of the files that are kept here are served."""

import pytest
from flask.testing import FlaskClient

from tests import factories
from tests.files.kept import CONTENT, NAME, kept
from tests.publishing.uploads import sha256
from webapp.documents import StoredFile


@pytest.mark.parametrize("state", ["arriving", "deleted", None, 7])
def test_file_that_no_project_lists_is_not_found(client: FlaskClient, state: object) -> None:
    address = kept()
    StoredFile._get_collection().update_one({}, {"$set": {"state": state}})

    assert client.get(address).status_code == 404


def test_deleted_file_is_not_found_although_a_project_lists_it(client: FlaskClient) -> None:
    address = kept(state="deleted")
    listed = factories.release_file(filename=NAME, sha256=sha256(CONTENT))
    factories.package("example", releases=[factories.release(files=[listed])])

    assert client.get(address).status_code == 404


def test_file_of_an_upload_that_was_killed_at_its_very_end_is_there(client: FlaskClient) -> None:
    address = kept(state="arriving")
    listed = factories.release_file(filename=NAME, sha256=sha256(CONTENT), url=address)
    factories.package("example", releases=[factories.release(files=[listed])])

    assert client.get(address).data == CONTENT
