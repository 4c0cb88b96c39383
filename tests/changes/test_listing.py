"""What a file joins when a package lists it."""

import pytest
from flask.testing import FlaskClient

from tests import factories
from tests.publishing import uploads
from tests.publishing.uploads import sdist, sdist_name, upload, wheel, wheel_name
from webapp.changes import claims
from webapp.documents import Maintainer, Package, contents


def test_file_of_an_equal_version_joins_its_release(client: FlaskClient) -> None:
    _, secret = uploads.publisher()
    upload(client, secret, wheel(), wheel_name())

    upload(client, secret, sdist(version="1.0.0"), sdist_name(version="1.0.0"))

    [release] = Package.objects.get().releases
    assert (release.version, len(release.files)) == ("1.0", 2)


def test_record_of_the_same_file_elsewhere_gives_way_to_the_file(client: FlaskClient) -> None:
    user, secret = uploads.publisher()
    record = factories.release_file(filename=wheel_name(), sha256=uploads.sha256(wheel()))
    mine = [Maintainer(user_id=user.id, role="owner")]
    factories.package("larder-probe", releases=[factories.release("1.0", files=[record])], maintainers=mine)

    upload(client, secret, wheel(), wheel_name())

    [file] = Package.objects.get().releases[0].files
    assert file.url.startswith("/packages/")


def test_file_that_is_added_to_a_yanked_release_is_yanked(client: FlaskClient) -> None:
    _, secret = uploads.publisher()
    upload(client, secret, wheel(), wheel_name())
    package = Package.objects.get()
    release = package.releases[0]
    release.yanked = release.files[0].yanked = True
    release.yanked_reason = release.files[0].yanked_reason = "broken"
    package.save()

    upload(client, secret, sdist(), sdist_name())

    [release] = Package.objects.get().releases
    assert release.yanked
    assert {file.yanked_reason for file in release.files} == {"broken"}


def test_file_whose_claim_was_lost_meanwhile_is_not_listed(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, secret = uploads.publisher()
    beats: list[None] = []

    def lost_at_the_end(_: claims.Claim) -> None:
        beats.append(None)
        if Package.objects.count() or contents.Contents.objects.count():  # the bytes are stored, and now it is listed
            raise claims.ClaimLost("Somebody else took the name.")

    monkeypatch.setattr(claims.Claim, "heartbeat", lost_at_the_end)

    refused = upload(client, secret, wheel(), wheel_name())

    assert beats
    assert refused.status_code in (400, 503)
    assert Package.objects.count() == 0
