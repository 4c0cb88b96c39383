"""Projects that demand publishing sessions, and another owner who publishes them."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from flask.testing import FlaskClient

from tests.changes.sessions import age
from tests.publishing import staging, uploads
from tests.publishing.staging import add, opened, path_of, said, send
from tests.publishing.test_file_uploads import client_of
from tests.publishing.uploads import line, sdist, sdist_name, wheel, wheel_name
from webapp.changes import staged_files
from webapp.changes.publishers import SessionsDemanded, demand_publishers
from webapp.changes.release_rules import Impossible, set_rule
from webapp.documents import JournalEntry, Maintainer, Membership, Package, TeamRole, User
from webapp.documents.base import utc_now
from webapp.documents.package import MAINTAINER, OWNER, REVIEWED, SESSIONS
from webapp.members.api_tokens import make_pipelines_token
from webapp.rules.naming import normalize_name

NAME = normalize_name("larder-probe")


@pytest.fixture
def ada(client: FlaskClient) -> tuple[User, str]:
    """The owner of a project with a release, and her token."""
    user, secret = uploads.publisher()
    assert uploads.upload(client, secret, wheel(), wheel_name()).status_code == 200
    return user, secret


@pytest.fixture
def grace(ada: tuple[User, str]) -> tuple[User, str]:
    """Another owner, and her token."""
    return another("Grace", OWNER)


def another(name: str, role: str) -> tuple[User, str]:
    """Somebody else who maintains the project, and their token."""
    user, secret = uploads.publisher(name)
    package = Package.objects.get()
    package.maintainers = [*package.maintainers, Maintainer(user_id=user.id, name=name, role=role)]
    package.store()
    return user, secret


def second(client: FlaskClient, secret: str) -> dict[str, object]:
    """A session for version 2.0 with a wheel."""
    session = opened(client, secret, version="2.0")
    added = add(client, secret, session, wheel(version="2.0"), wheel_name(version="2.0"))
    assert added.status_code == 200, added.text
    return session


def test_direct_uploads_are_refused_where_sessions_are_demanded(client: FlaskClient, ada: tuple[User, str]) -> None:
    user, secret = ada
    assert set_rule(NAME, SESSIONS, user)

    refused = line(uploads.upload(client, secret, sdist(), sdist_name()), 403)

    assert refused == (
        "The project larder-probe takes new files through publishing sessions only. Open one on its page in /manage/, "
        "under Sessions, and upload to the address shown there."
    )
    assert len(Package.objects.get().releases[0].files) == 1
    assert client.get(Package.objects.get().releases[0].files[0].url).data == wheel()
    session = second(client, secret)
    assert send(client, secret, path_of(session, "publish")).status_code == 201
    assert Package.objects.get().latest.version == "2.0"


def test_pipelines_and_shared_tokens_are_refused_too(
    client: FlaskClient, ada: tuple[User, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    issuer, claims = "https://ci.example.org", {"sub": "x"}
    publisher = {"publisher_id": "1", "key": f"{issuer} x", "issuer": issuer, "conditions": claims}
    Package.objects.raw().update_one({"_id": NAME}, {"$set": {"publishers": [publisher]}})
    secret, _ = make_pipelines_token(issuer, claims, NAME, utc_now() + timedelta(minutes=15))
    set_rule(NAME, SESSIONS, ada[0])

    refused = uploads.upload(client, secret, sdist(), sdist_name())

    assert "through publishing sessions only" in line(refused, 403)


def test_rule_is_in_the_journal_and_ends_as_it_began(client: FlaskClient, ada: tuple[User, str]) -> None:
    user, secret = ada
    another("Grace", OWNER)

    changed = [set_rule(NAME, each, user) for each in (SESSIONS, SESSIONS, REVIEWED, None)]

    assert changed == [True, False, True, True]
    actions = [each.action for each in JournalEntry.objects.order_by("pk")]
    assert actions[1:] == ["demand sessions", "demand review", "accept direct uploads"]
    assert uploads.upload(client, secret, sdist(), sdist_name()).status_code == 200


def test_another_owner_than_the_uploader_publishes(
    client: FlaskClient, ada: tuple[User, str], grace: tuple[User, str]
) -> None:
    set_rule(NAME, REVIEWED, ada[0])
    session = second(client, ada[1])
    _, helper = another("Linus", MAINTAINER)
    publish = path_of(session, "publish")

    by_uploader, by_maintainer = (send(client, secret, publish) for secret in (ada[1], helper))

    assert (by_uploader.status_code, by_maintainer.status_code) == (403, 403)
    assert said(by_uploader)["details"] == (
        "The project larder-probe requires sessions to be published by an owner who uploaded none of the files; "
        "Ada Lovelace uploaded some of them."
    )
    assert said(by_maintainer)["details"].endswith("Linus is not an owner.")
    assert staging.stored(session).state == "open"
    assert send(client, grace[1], publish).status_code == 201


def test_owner_who_replaces_one_file_does_not_publish_either(
    client: FlaskClient, ada: tuple[User, str], grace: tuple[User, str]
) -> None:
    set_rule(NAME, REVIEWED, ada[0])
    session = second(client, ada[1])
    assert add(client, grace[1], session, sdist(version="2.0"), sdist_name(version="2.0")).status_code == 200

    refused = [send(client, secret, path_of(session, "publish")).status_code for secret in (ada[1], grace[1])]

    assert refused == [403, 403]
    assert Package.objects.get().release_count == 1


@pytest.mark.parametrize("part", ["announce", "send_bytes"])
def test_everybody_with_a_part_in_a_file_counts_as_its_uploader(
    client: FlaskClient, ada: tuple[User, str], grace: tuple[User, str], part: str
) -> None:
    set_rule(NAME, REVIEWED, ada[0])
    _, helper = another("Linus", MAINTAINER)
    session = opened(client, helper, version="2.0")
    content, whose = wheel(version="2.0"), {"announce": helper, "send_bytes": helper}
    whose[part] = ada[1]
    clients = {secret: client_of(client, secret, session=session) for secret in (helper, ada[1])}
    upload = clients[whose["announce"]].announce(wheel_name(version="2.0"), content)
    clients[whose["send_bytes"]].send_bytes(upload, content)
    clients[helper].complete(upload)

    by_ada, by_grace = (send(client, secret, path_of(session, "publish")) for secret in (ada[1], grace[1]))

    assert (by_ada.status_code, by_grace.status_code) == (403, 201)
    assert "Ada Lovelace uploaded some of them" in said(by_ada)["details"]


def test_owner_whose_replacement_of_a_file_was_killed_counts_as_its_uploader(
    client: FlaskClient, ada: tuple[User, str], grace: tuple[User, str], killed_at: Callable[..., None]
) -> None:
    set_rule(NAME, REVIEWED, ada[0])
    session = second(client, grace[1])
    better = wheel(version="2.0", extra={"better.py": ""})
    killed_at(lambda: add(client, ada[1], session, better, wheel_name(version="2.0")), staged_files, "complete")
    age()

    refused = [send(client, secret, path_of(session, "publish")).status_code for secret in (ada[1], grace[1])]

    assert refused == [403, 403]
    assert staging.stored(session).files[0].file.sha256 == uploads.sha256(better)


def test_rule_that_is_set_while_a_session_is_open_applies_to_it(
    client: FlaskClient, ada: tuple[User, str], grace: tuple[User, str]
) -> None:
    session = second(client, ada[1])

    set_rule(NAME, REVIEWED, grace[0])

    assert send(client, ada[1], path_of(session, "publish")).status_code == 403
    assert send(client, grace[1], path_of(session, "publish")).status_code == 201


def test_rules_that_nobody_could_satisfy_are_refused(client: FlaskClient, ada: tuple[User, str]) -> None:
    for teams in (None, [TeamRole(team="staff", role=OWNER)]):  # a team that does not exist
        Package.objects.update(teams=teams)
        with pytest.raises(Impossible, match="Nobody else maintains this project"):
            set_rule(NAME, REVIEWED, ada[0])
    User.objects(pk=ada[0].id).update(teams=[Membership(team="staff")])  # of which she is the only member
    with pytest.raises(Impossible, match="Nobody else maintains this project"):
        set_rule(NAME, REVIEWED, ada[0])
    demand_publishers(NAME, ada[0], is_demanded=True)
    with pytest.raises(Impossible, match="from trusted publishers only"):
        set_rule(NAME, SESSIONS, ada[0])
    demand_publishers(NAME, ada[0], is_demanded=False)
    set_rule(NAME, SESSIONS, ada[0])
    with pytest.raises(SessionsDemanded):
        demand_publishers(NAME, ada[0], is_demanded=True)
