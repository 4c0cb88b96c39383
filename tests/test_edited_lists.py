"""Something else where a list belongs, as an edit by hand may leave it, keeps nobody from adding to that list."""

from collections.abc import Callable
from typing import Any

import mongoengine as me
import pytest
from flask import Flask

from tests import factories
from tests.people import Browser, browser, member, signed_in
from tests.publishing import staging, uploads
from tests.publishing.uploads import upload, wheel, wheel_name
from webapp.changes import new_names, team_invitations, teams
from webapp.documents import Maintainer, NameClaim, Package, PublishingSession, Team, User, Watcher
from webapp.documents.second_factor import SecondFactor
from webapp.members import second_factors
from webapp.rules import naming

pytestmark = [pytest.mark.real_server, pytest.mark.parametrize("odd", [None, "text", 5, {"0": "x"}])]


def replace(document_type: type[me.Document], field: str, odd: Any) -> None:
    """Write something else in place of a list, as an account does that may not set the rules."""
    by_hand: Any = {"bypass_document_validation": True}
    assert document_type.objects.raw().update_one({}, {"$set": {field: odd}}, **by_hand).matched_count == 1


def test_member_can_sign_in(app: Flask, odd: Any) -> None:
    member()
    replace(User, "sessions", odd)
    ada = browser(app)

    assert ada.sign_in("ada@example.org").status_code == 302
    assert ada.is_signed_in()


def join(ada: User) -> bool:
    return teams.add_member("payments", ada.id)


def invite(ada: User) -> Any:
    return team_invitations.invite("payments", "grace@example.org", "member", ada)


def allow(_: User) -> bool:
    new_names.allow("py-oil")
    return NameClaim.objects.get().allowed == ["py-oil"]


def protect(ada: User) -> Any:
    with_app = SecondFactor(factor_id="1", kind="app", name="phone", secret="x", last_step=0)
    return second_factors.add(ada, with_app)


ADDING: list[tuple[type[me.Document], str, Callable[[User], Any]]] = [
    (User, "teams", join),
    (User, "second_factors", protect),
    (Team, "invitations", invite),
    (NameClaim, "allowed", allow),
]


@pytest.mark.parametrize(("document_type", "field", "add"), ADDING, ids=[each[2].__name__ for each in ADDING])
def test_entry_is_added_in_its_place(
    app: Flask, document_type: type[me.Document], field: str, add: Callable[[User], Any], odd: Any
) -> None:
    ada = member()
    Team(name="payments").save()
    NameClaim.objects.raw().insert_one({"_id": naming.skeleton("py-oil")})
    replace(document_type, field, odd)

    with app.test_request_context():
        assert add(ada)

    assert len((document_type.objects.raw().find_one() or {})[field]) == 1


def test_project_can_be_watched_and_left(app: Flask, odd: Any) -> None:
    ada: Browser = signed_in(app)
    factories.package()
    ada.send("/account/watching", project="example")
    replace(Watcher, "projects", odd)

    ada.send("/account/watching", project="example")
    watched = Watcher.objects.get().projects
    replace(Watcher, "projects", odd)
    form = {"csrf_token": ada.token("/account/watching")}
    left = ada.post("/account/watching/example/end", data=form)

    assert (watched, left.status_code) == (["example"], 302)


def test_release_can_be_uploaded(app: Flask, odd: Any) -> None:
    ada, secret = uploads.publisher()
    factories.package(maintainers=[Maintainer(user_id=ada.id, name="Ada", role="owner")])
    replace(Package, "releases", odd)

    answer = upload(app.test_client(), secret, wheel("example", "7.0"), wheel_name("example", "7.0"))

    assert answer.status_code == 200, answer.text
    assert [each.version for each in Package.objects.get().releases] == ["7.0"]


def test_session_takes_files(app: Flask, odd: Any) -> None:
    _, secret = uploads.publisher()
    client = app.test_client()
    session = staging.opened(client, secret)
    replace(PublishingSession, "files", odd)

    added = staging.add(client, secret, session)
    replace(PublishingSession, "files.0.senders", odd)
    replaced = staging.add(client, secret, session, wheel(extra={"better.py": "x = 1"}))
    replace(PublishingSession, "files", odd)
    shown = client.get(staging.path_of(session, "session"), auth=("__token__", secret))

    assert [each.status_code for each in (added, replaced, shown)] == [200, 200, 200]
