"""A new project whose owner goes at the same moment is deleted again."""

from flask.testing import FlaskClient

from tests import factories
from tests.publishing.uploads import publisher, upload, wheel, wheel_name
from webapp.changes.deleting import delete_if_abandoned
from webapp.documents import JournalEntry, Maintainer, Package, StoredFile, User


def test_project_that_has_an_owner_stays(client: FlaskClient) -> None:
    ada = factories.user("Ada")
    package = factories.package(maintainers=[Maintainer(user_id=ada.id, name="Ada", role="owner")])

    assert delete_if_abandoned(package) is False
    assert Package.objects.count() == 1


def test_project_that_an_administrator_has_just_given_away_stays(client: FlaskClient) -> None:
    ada, eve = factories.user("Ada"), factories.user("Eve", being_deleted="a mark")
    package = factories.package(maintainers=[Maintainer(user_id=eve.id, name="Eve", role="owner")])
    Package.objects.update(maintainers=[Maintainer(user_id=ada.id, name="Ada", role="owner")])

    assert delete_if_abandoned(package) is True
    assert Package.objects.count() == 1


def test_project_that_is_gone_already_is_no_error(client: FlaskClient) -> None:
    assert delete_if_abandoned(Package(normalized_name="example", name="Example")) is True


def test_upload_of_a_new_project_is_refused_while_the_account_is_being_deleted(client: FlaskClient) -> None:
    ada, secret = publisher()
    User.objects.update(being_deleted="a mark")

    answer = upload(client, secret, wheel(), wheel_name())

    assert answer.status_code == 403
    assert "is just being deleted" in answer.text
    assert Package.objects.count() == 0
    assert [file.state for file in StoredFile.objects] == ["deleted"]
    assert [(entry.action, entry.actor_id) for entry in JournalEntry.objects.order_by("pk")] == [
        ("new project", ada.id),
        ("remove project", ada.id),
    ]


def test_upload_to_a_project_with_another_owner_goes_on_while_the_account_is_being_deleted(
    client: FlaskClient,
) -> None:
    _, secret = publisher()
    upload(client, secret, wheel(), wheel_name())
    User.objects.update(being_deleted="a mark")

    assert upload(client, secret, wheel(version="2.0"), wheel_name(version="2.0")).status_code == 200
