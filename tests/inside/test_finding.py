"""Which files people may look into."""

import bson
import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.exceptions import Forbidden, NotFound

from tests import factories
from tests.inside.conftest import ADDRESS
from tests.publishing import uploads
from tests.upstream.conftest import Other, described, other  # noqa: F401 - a fixture
from webapp.documents import ProjectStatus, StoredFile, UpstreamFile
from webapp.inside.finding import Found, find
from webapp.rules.naming import normalize_name


def test_deleted_file_is_not_shown(reader: FlaskClient) -> None:
    StoredFile.objects(pk=uploads.wheel_name()).update(set__state="deleted")

    assert reader.get(ADDRESS).status_code == 404


def found(filename: str, name: str = "jam") -> Found:
    return find(normalize_name(name), filename)


def why(filename: str, name: str = "jam") -> str:
    """Why a file is not found."""
    with pytest.raises((NotFound, Forbidden)) as refused:
        found(filename, name)
    return str(refused.value.description)


def test_file_that_is_kept_here_is_found_with_its_release(app: Flask) -> None:
    sha256 = uploads.sha256(b"jam")
    listed = factories.release_file(filename="jam-2.0.zip", url="/files/jam-2.0.zip", sha256=sha256, size=7)
    factories.package("Jam", releases=["1.0", factories.release("2.0", files=[listed])])
    kept = factories.stored_file("jam-2.0.zip", b"jam", package="jam")

    assert found("jam-2.0.zip") == Found(
        "jam-2.0.zip", "2.0", 3, sha256, kept.content_id, "/files/jam-2.0.zip", name="Jam", has_project=True
    )


def test_file_that_is_listed_and_kept_elsewhere_is_found_without_its_bytes(app: Flask) -> None:
    factories.package("Jam", releases=["1.0"])

    file = found("example-1.0-py3-none-any.whl")

    assert (file.version, file.size, file.content_id) == ("1.0", 1234, None)
    assert file.url == "https://files.example.org/example-1.0-py3-none-any.whl"


def test_bytes_that_were_fetched_from_another_index_are_found_by_their_digest(app: Flask) -> None:
    factories.package("Jam", releases=["1.0"])
    content_id = bson.ObjectId()
    UpstreamFile.objects.raw().insert_one({"_id": "a" * 64, "content_id": content_id, "size": 9})

    assert found("example-1.0-py3-none-any.whl")[2:5] == (9, "a" * 64, content_id)


def test_what_is_not_there_says_what_is_missing(app: Flask) -> None:
    factories.package("Jam")

    assert why("jam-9.zip") == "Jam has no file jam-9.zip."
    assert why("x" * 300) == f"Jam has no file {'x' * 200}."
    assert why("jelly-1.0.zip", "jelly") == "There is no project called “jelly” on this site."


def test_file_of_a_quarantined_project_is_not_available(app: Flask) -> None:
    factories.package("Jam", status=ProjectStatus(marker="quarantined"))

    assert why("example-1.0-py3-none-any.whl") == "The project jam is quarantined, so its files are not available."
