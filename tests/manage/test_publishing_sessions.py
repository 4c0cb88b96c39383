"""`/manage/<name>/sessions/`: publishing sessions for people."""

from datetime import timedelta

import pytest
from flask.testing import FlaskClient

from tests.manage.conftest import NAME, Join, Publish
from tests.people import Browser
from tests.publishing import uploads
from tests.publishing.staging import add, opened, stored
from tests.reading import one, read, words
from webapp.documents import AuditEvent, Package, PublishingSession, StoredFile, User
from webapp.documents.base import utc_now

PAGE = f"/manage/{NAME}/sessions/"


@pytest.fixture
def secret(ada: Browser) -> str:
    """Ada's token."""
    return uploads.token_of(User.objects.get(name="Ada Lovelace"))


def place(session: PublishingSession) -> str:
    return f"/manage/{session.package}/sessions/{session.pk}"


def test_session_is_opened_filled_and_published(
    ada: Browser, publish: Publish, client: FlaskClient, secret: str
) -> None:
    publish("0.9")

    answer = ada.send(PAGE, version="1.0")

    session = PublishingSession.objects.get()
    assert (answer.status_code, answer.location) == (302, place(session))
    page = read(ada, place(session))
    assert f"twine upload --repository-url http://localhost/legacy/sessions/{session.pk}/" in words(page)
    assert f"--extra-index-url http://localhost/stage/{session.stage_token}/ larder-probe==1.0" in words(page)
    assert "There are no files yet." in words(page)
    filled = {"links": {"legacy": f"http://localhost/legacy/sessions/{session.pk}/"}}
    assert add(client, secret, filled).status_code == 200
    assert uploads.wheel_name() in words(one(read(ada, place(session)), ".files"))
    answer = ada.press(place(session), f"{place(session)}/publish")
    assert (answer.status_code, answer.location) == (302, PAGE)
    assert {each.version for each in Package.objects.get().releases} == {"0.9", "1.0"}
    assert "published" in words(one(read(ada, PAGE), ".history"))
    assert "Published on" in words(read(ada, place(session)))
    events = [
        each.description
        for each in AuditEvent.objects(target=f"package {NAME}", kind="project").order_by("created_date")
    ]
    assert events == [f"{each} the publishing session of larder-probe 1.0." for each in ("Opened", "Published")]


@pytest.mark.parametrize("version", ["", "one", "1" * 300])
def test_version_is_checked(ada: Browser, publish: Publish, version: str) -> None:
    publish()

    assert ada.send(PAGE, version=version).status_code == 400

    assert PublishingSession.objects.count() == 0


def test_second_session_of_a_version_is_refused_in_the_form(ada: Browser, publish: Publish) -> None:
    publish()
    ada.send(PAGE, version="2.0")

    answer = ada.send(PAGE, version="2")

    assert answer.status_code == 400
    assert "already an open publishing session" in answer.text


def test_file_is_removed_and_session_extended_and_canceled(
    ada: Browser, publish: Publish, client: FlaskClient, secret: str
) -> None:
    publish("0.9")
    described = opened(client, secret)
    add(client, secret, described)
    session = stored(described)
    PublishingSession.objects.update(expires_at=utc_now() + timedelta(hours=1))

    removed = ada.press(place(session), f"{place(session)}/remove/{uploads.wheel_name()}")
    extended = ada.press(place(session), f"{place(session)}/extend")

    assert (removed.location, extended.location) == (place(session), place(session))
    assert StoredFile.objects.count() == 1
    assert stored(described).files == []
    assert stored(described).expires_at > utc_now() + timedelta(days=6)
    assert ada.press(place(session), f"{place(session)}/cancel").location == PAGE
    assert stored(described).state == "canceled"
    events = AuditEvent.objects(target=f"package {NAME}", kind="project").order_by("created_date", "pk")
    assert [(each.actor_name, each.description) for each in events] == [
        ("Ada Lovelace", f"{done} the publishing session of larder-probe 1.0.")
        for done in ("Opened", f"Removed {uploads.wheel_name()} from", "Cancelled")
    ]
    assert ada.post(f"{place(session)}/publish", data=ada.hidden_fields(PAGE)).status_code == 404


def test_session_of_a_new_project_is_listed_with_ones_own_projects(
    ada: Browser, client: FlaskClient, secret: str
) -> None:
    described = opened(client, secret, "New.Probe")

    page = read(ada, "/manage/")

    assert "New.Probe 1.0" in words(page)
    shown = words(read(ada, place(stored(described))))
    assert "The project New.Probe does not exist yet." in shown
    assert ada.press(place(stored(described)), f"{place(stored(described))}/cancel").location == "/manage/"


def test_others_do_not_see_a_session(publish: Publish, join: Join, client: FlaskClient, secret: str) -> None:
    publish("0.9")
    described = opened(client, secret)
    grace = join("Grace")
    Package.objects.update(pull__maintainers__name="Grace")

    for address in (PAGE, place(stored(described))):
        assert grace.get(address).status_code in (403, 404)
    assert grace.post(f"{place(stored(described))}/publish", data=grace.hidden_fields("/manage/")).status_code in (
        403,
        404,
    )
    assert stored(described).state == "open"


@pytest.mark.parametrize("marker", ["archived", "quarantined"])
def test_reason_for_a_refusal_is_shown(
    ada: Browser, publish: Publish, client: FlaskClient, secret: str, marker: str
) -> None:
    publish("0.9")
    described = opened(client, secret)
    add(client, secret, described)
    page = place(stored(described))
    Package.objects.update(status={"marker": marker, "reason": "Done"})

    opening = ada.send(PAGE, version="2.0")
    acts = [ada.press(page, f"{page}/{each}") for each in ("publish", "extend")]

    assert [each.status_code for each in (opening, *acts)] == [400, 403, 403]
    for answer in (opening, *acts):
        assert f"The project larder-probe is {marker}" in answer.text
        assert "Done." in answer.text
    assert (stored(described).state, len(stored(described).files)) == ("open", 1)


def test_file_is_removed_from_a_session_of_an_archived_project_and_not_of_one_in_quarantine(
    ada: Browser, publish: Publish, client: FlaskClient, secret: str
) -> None:
    publish("0.9")
    described = opened(client, secret)
    add(client, secret, described)
    page = place(stored(described))
    remove = f"{page}/remove/{uploads.wheel_name()}"

    Package.objects.update(status={"marker": "quarantined", "reason": "Done"})
    refused = ada.press(page, remove)
    Package.objects.update(status={"marker": "archived", "reason": "Done"})
    removed = ada.press(page, remove)

    assert refused.status_code == 403
    assert "The project larder-probe is quarantined: Done." in refused.text
    assert removed.location == page
    assert stored(described).files == []


@pytest.mark.parametrize("change", ["replaced", "added", "removed"])
def test_button_publishes_only_the_files_that_its_page_showed(
    ada: Browser, publish: Publish, client: FlaskClient, secret: str, change: str
) -> None:
    publish("0.9")
    described = opened(client, secret)
    add(client, secret, described)
    add(client, secret, described, uploads.sdist(), uploads.sdist_name())
    page = place(stored(described))
    shown = ada.fields_of(page, f"{page}/publish")
    if change == "replaced":
        add(client, secret, described, uploads.wheel(extra={"more.py": ""}))
    elif change == "added":
        other = uploads.wheel_name().replace("py3", "py36")
        assert add(client, secret, described, uploads.wheel(), other).status_code == 200
    else:
        ada.press(page, f"{page}/remove/{uploads.sdist_name()}")

    answers = [ada.post(f"{page}/publish", data=each) for each in (shown, shown | {"seen": ""})]

    for answer in answers:
        assert answer.status_code == 409
        assert "The files of this session changed since you saw them. Nothing was published." in answer.text
        assert f'action="{page}/publish"' in answer.text
    assert Package.objects.get().release_count == 1
    assert stored(described).state == "open"
    assert ada.press(page, f"{page}/publish").status_code == 302
    assert Package.objects.get().release_count == 2
