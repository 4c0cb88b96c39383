"""A publishing session that ends in any other way than by being published leaves no trace."""

import io
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient, FlaskCliRunner
from packaging.utils import NormalizedName

from tests import factories
from tests.changes.sessions import BETTER, FILES, filled, seen
from tests.publishing import uploads
from tests.publishing.staging import opened, path_of, said, send, stored
from tests.publishing.uploads import nothing_stays, wheel, wheel_name
from webapp.changes import claims, staging
from webapp.changes.administrators import delete
from webapp.changes.announced_files import announce, keep_bytes
from webapp.changes.new_names import NameRefused
from webapp.changes.withdrawing import delete_project
from webapp.documents import (
    DOCUMENTS,
    Maintainer,
    NameClaim,
    Package,
    PublishingSession,
    StoredFile,
    User,
    contents,
    ensure_indexes,
)
from webapp.documents.base import utc_now
from webapp.documents.contents import Contents
from webapp.documents.publishing_session import live_key_of
from webapp.inspection.check import check
from webapp.inspection.dump import dump
from webapp.inspection.load import load
from webapp.rules.naming import normalize_name


@pytest.mark.parametrize(
    ("where", "name"),
    [(staging, "finish_cancelling"), (claims, "settle_staged"), (contents, "delete")],
    ids=lambda each: str(getattr(each, "__name__", each)),
)
def test_killed_while_it_is_canceled_it_leaves_no_trace_all_the_same(
    client: FlaskClient, secret: str, runner: FlaskCliRunner, killed_at: Callable[..., None], where: Any, name: str
) -> None:
    session = filled(client, secret)

    killed_at(
        lambda: client.delete(path_of(session, "session"), auth=("__token__", secret)),
        where,
        name,
    )

    assert send(client, secret, path_of(session, "publish")).status_code == 404
    runner.invoke(args=["files", "clean"])
    assert StoredFile.objects.count() == 0
    _, other = uploads.publisher("Grace")
    assert uploads.upload(client, other, wheel(), wheel_name()).status_code == 200


def test_expired_sessions_are_swept(client: FlaskClient, secret: str, runner: FlaskCliRunner) -> None:
    session, other = filled(client, secret), opened(client, secret, "other-probe")
    past = utc_now() - timedelta(seconds=1)
    PublishingSession.objects(pk=stored(session).pk).update(expires_at=past)

    result = runner.invoke(args=["files", "clean"])

    assert "1 publishing session" in result.output
    assert nothing_stays()
    assert (stored(session).state, stored(session).files, stored(other).state) == ("canceled", [], "open")
    assert NameClaim.objects(holder="larder-probe").count() == 0


def test_name_in_an_expired_session_is_free_for_the_next_upload(client: FlaskClient, secret: str) -> None:
    filled(client, secret)
    PublishingSession.objects.update(expires_at=utc_now() - timedelta(seconds=1))
    _, other = uploads.publisher("Grace")

    assert uploads.upload(client, other, BETTER, wheel_name()).status_code == 200


def test_bytes_of_sessions_are_not_taken_for_leftovers(
    client: FlaskClient, secret: str, runner: FlaskCliRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    filled(client, secret)
    monkeypatch.setattr("webapp.cli.files.GRACE", timedelta(seconds=-5))

    runner.invoke(args=["files", "clean"])

    assert Contents.objects.count() == 2


def test_sessions_of_a_deleted_project_are_canceled(client: FlaskClient, secret: str) -> None:
    uploads.upload(client, secret, wheel(version="0.9"), wheel_name(version="0.9"))
    session = filled(client, secret)

    delete_project(normalize_name("larder-probe"), User.objects.get())

    assert (stored(session).state, stored(session).ended_by) == ("canceled", "Ada Lovelace")
    assert send(client, secret, path_of(session, "publish")).status_code == 404
    assert {each.state for each in StoredFile.objects} == {"deleted"}
    assert Contents.objects.count() == 0
    _, other = uploads.publisher("Grace")
    assert uploads.upload(client, other, wheel(), wheel_name()).status_code == 200


@pytest.mark.real_server
def test_check_finds_nothing_wrong_with_an_open_session(client: FlaskClient, secret: str) -> None:
    session = stored(filled(client, secret))
    user = User.objects.get()
    entry = announce(session, wheel_name("larder-probe", "1.0").replace("py3", "py2"), 4, {"sha256": "0" * 64}, user)
    keep_bytes(session, entry, io.BytesIO(b"here"), user)

    assert list(check()) == []


@pytest.mark.real_server
def test_open_session_is_dumped_and_loaded_and_then_published(client: FlaskClient, secret: str, tmp_path: Path) -> None:
    session = filled(client, secret)
    database = Package._get_db()
    dump(database, tmp_path / "dump", lambda _: None)
    for name in database.list_collection_names():
        database.drop_collection(name)

    load(database, tmp_path / "dump", lambda _: None)
    ensure_indexes(DOCUMENTS)

    assert len(stored(session).files) == 2
    assert send(client, secret, path_of(session, "publish")).status_code == 201
    assert seen(client) == set(FILES)


def test_member_who_opened_a_session_and_was_disabled_loses_it_to_the_others(client: FlaskClient, secret: str) -> None:
    uploads.upload(client, secret, wheel(version="0.9"), wheel_name(version="0.9"))
    session = filled(client, secret)
    grace, other = uploads.publisher("Grace")
    package = Package.objects.get()
    package.maintainers = [*package.maintainers, Maintainer(user_id=grace.id, name="Grace", role="owner")]
    package.store()
    User.objects(name="Ada Lovelace").update(is_disabled=True)

    refused = send(client, secret, path_of(session, "publish"))

    assert refused.status_code in (401, 403)
    assert send(client, other, path_of(session, "publish")).status_code == 201
    assert Package.objects.get().releases[0].files[0].uploaded_by == "Ada Lovelace"


def opened_before(number: int, **fields: Any) -> None:
    """Store so many open sessions, each of another version."""
    later = utc_now() + timedelta(days=1)
    PublishingSession.objects.insert(
        [PublishingSession(version=str(each), state="open", expires_at=later, **fields) for each in range(number)]
    )


@pytest.mark.usefixtures("app")
def test_project_has_twenty_open_sessions_at_most_and_a_member_fifty() -> None:
    ada, grace = factories.user("Ada"), factories.user("Grace")
    for user in (ada, grace):
        name = f"{user.name.lower()}-probe"
        factories.package(name, maintainers=[Maintainer(user_id=user.id, role="owner")])
    opened_before(19, package="ada-probe")
    opened_before(50, package="other", created_by=grace.id)

    last = staging.open_session("ada-probe", NormalizedName("ada-probe"), "1.0", ada)

    assert last.is_open
    for user, name in ((ada, "ada-probe"), (grace, "grace-probe")):
        with pytest.raises(staging.TooManySessions, match="20 open sessions, and an account 50"):
            staging.open_session(name, NormalizedName(name), "2.0", user)


@pytest.mark.usefixtures("app")
def test_session_that_is_refused_reserves_no_name() -> None:
    ada = factories.user("Ada")
    opened_before(50, package="other", created_by=ada.id)

    with pytest.raises(staging.TooManySessions):
        staging.open_session("py-oil", NormalizedName("py-oil"), "1.0", ada)

    assert NameClaim.objects.count() == 0


@pytest.mark.usefixtures("app")
def test_name_is_given_back_with_the_last_session_of_its_project() -> None:
    ada, grace = factories.user("Ada"), factories.user("Grace")
    first, second = (staging.open_session("py-oil", NormalizedName("py-oil"), each, ada) for each in ("1.0", "2.0"))

    staging.cancel(first, ada)
    with pytest.raises(NameRefused):
        staging.open_session("pyoil", NormalizedName("pyoil"), "1.0", grace)
    staging.cancel(second, ada)

    staging.open_session("pyoil", NormalizedName("pyoil"), "1.0", grace)


@pytest.mark.usefixtures("app")
def test_session_reserves_the_name_of_a_new_project_only() -> None:
    ada = factories.user("Ada")
    factories.package("there", maintainers=[Maintainer(user_id=ada.id, role="owner")])

    for name in ("there", "new"):
        staging.open_session(name, NormalizedName(name), "2.0", ada)

    assert [claim.holder for claim in NameClaim.objects] == ["new"]


@pytest.mark.usefixtures("app")
def test_sessions_that_ended_by_themselves_are_counted() -> None:
    past, later = (utc_now() + timedelta(days=days) for days in (-1, 1))
    fields = {"package": "jam", "state": "open", "created_by": factories.user().id}
    for version, expires_at in (("1.0", past), ("2.0", past), ("3.0", later)):
        key = live_key_of(NormalizedName("jam"), version)
        made = PublishingSession(version=version, live_key=key, expires_at=expires_at, **fields)
        made.stage_token, made.created_at = version, past
        made.save()

    assert staging.settle_leftovers() == 2


def test_deleted_account_reserves_no_name(client: FlaskClient, secret: str) -> None:
    session = filled(client, secret)
    grace, other = uploads.publisher("Grace")
    factories.package("shared", maintainers=[Maintainer(user_id=grace.id, role="owner")])
    shared = opened(client, other, "shared")
    PublishingSession.objects(package="shared").update(created_by=stored(session).created_by)

    delete(stored(session).created_by)

    assert uploads.upload(client, other, BETTER, wheel_name()).status_code == 200
    assert (stored(session).state, stored(session).files, stored(shared).state) == ("canceled", [], "open")


def test_sessions_of_a_deleted_account_are_swept(client: FlaskClient, secret: str, runner: FlaskCliRunner) -> None:
    session = filled(client, secret)
    User.objects.delete()  # the process was killed right after this

    result = runner.invoke(args=["files", "clean"])

    assert "1 publishing session" in result.output
    assert stored(session).state == "canceled"
    assert nothing_stays()
    assert NameClaim.objects(holder="larder-probe").count() == 0


BY_HAND: Any = {"bypass_document_validation": True}
EDITS: dict[str, dict[str, Any]] = {
    "canceled": {"$set": {"state": "canceled"}},
    "published": {"$set": {"state": "published"}},
    "unknown": {"$set": {"state": "on hold"}},
    "null": {"$set": {"state": None}},
    "no end": {"$unset": {"expires_at": ""}},
    "no stage": {"$unset": {"stage_token": ""}},
    "no version": {"$set": {"version": None}},
    "no project": {"$set": {"package": None}},
    "no name of a file": {"$set": {"files.0.filename": None}},
}


@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS)
def test_session_that_was_edited_by_hand_does_not_reserve_its_version(
    client: FlaskClient, secret: str, edit: dict[str, Any]
) -> None:
    session = filled(client, secret)
    PublishingSession.objects.raw(may_be_lost=True).update_one({}, edit, **BY_HAND)

    again = opened(client, secret)

    assert again != session
    assert (stored(session).live_key, stored(session).is_live, stored(again).state) == (None, False, "open")


@pytest.mark.parametrize("attempt", [None, 5, ""])
def test_session_whose_attempt_was_edited_is_settled(client: FlaskClient, secret: str, attempt: Any) -> None:
    session = filled(client, secret)
    PublishingSession.objects.raw().update_one({}, {"$set": {"state": "publishing", "attempt": attempt}}, **BY_HAND)

    found = said(client.get(path_of(session, "session"), auth=("__token__", secret)))

    assert found["status"] == "open"
    assert send(client, secret, path_of(session, "publish")).status_code == 201


def test_pending_file_of_which_an_edit_left_nothing_can_only_be_removed(client: FlaskClient, secret: str) -> None:
    session = filled(client, secret)
    edited = {"files.0.state": "pending", "files.0.replacement": {"filename": wheel_name()}, "files.0.file": None}
    PublishingSession.objects.raw().update_one({}, {"$set": edited}, **BY_HAND)

    found = said(client.get(path_of(session, "session"), auth=("__token__", secret)))
    refused = send(client, secret, path_of(session, "publish"))
    removed = client.delete(f"{path_of(session, 'upload')}{wheel_name()}/", auth=("__token__", secret))

    assert found["files"][wheel_name()]["status"] == "pending"
    assert (refused.status_code, removed.status_code) == (409, 204)
    assert send(client, secret, path_of(session, "publish")).status_code == 201


@pytest.mark.usefixtures("app")
def test_session_that_cannot_be_ended_refuses_the_next_one_of_its_version() -> None:
    ada, name = factories.user("Ada"), NormalizedName("py-oil")
    odd = {"_id": "by hand", "package": "py-oil", "version": "1.0", "live_key": live_key_of(name, "1.0")}
    PublishingSession.objects.raw().insert_one({**odd, "state": "canceled"})

    with pytest.raises(staging.SessionBusy, match="flask db check"):
        staging.open_session("py-oil", name, "1.0", ada)
