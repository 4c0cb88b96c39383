"""Names of new projects that people would take for others are refused, unless an administrator allowed them."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import bson
import pytest
from flask import Flask
from flask.testing import FlaskClient, FlaskCliRunner
from packaging.utils import NormalizedName
from werkzeug.test import TestResponse

from tests import factories
from tests.publishing import uploads
from tests.publishing.uploads import line
from webapp.changes import new_names, site_stats, withdrawing
from webapp.documents import NameClaim, Package, PublishingSession, StoredFile, User
from webapp.documents.base import utc_now
from webapp.rules import naming


def publish(client: FlaskClient, secret: str, name: str) -> TestResponse:
    return uploads.upload(client, secret, uploads.wheel(name), uploads.wheel_name(name))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("py-oil", "pyoil"),
        ("py-oil", "py-o1l"),
        ("py-oil", "py-oll"),
        ("py-oil", "PY.0i1"),
        ("a.b", "a-b"),
        ("l10n", "lion"),
    ],
)
def test_names_that_look_alike_have_one_skeleton(one: str, other: str) -> None:
    assert naming.skeleton(one) == naming.skeleton(other)


def test_other_names_have_other_skeletons() -> None:
    names = ["flask", "flasks", "flaskk", "flas-k2", "requests", "request"]

    assert len({naming.skeleton(name) for name in names}) == len(names)


@pytest.mark.parametrize("name", ["json", "xml", "distutils", "asyncore", "thread", "lib2to3"])
def test_name_of_a_module_of_the_standard_library_is_refused(client: FlaskClient, name: str) -> None:
    _, secret = uploads.publisher()

    said = line(publish(client, secret, name), 400)

    assert said.startswith(f"{name} is the name of a module in Python's standard library; choose another name")
    assert Package.objects.count() == StoredFile.objects.count() == 0


@pytest.mark.parametrize("name", ["larderprobe", "1arder-pr0be"])
def test_name_that_looks_like_an_existing_one_is_refused(client: FlaskClient, name: str) -> None:
    _, secret = uploads.publisher()
    _, other = uploads.publisher("Eve")
    publish(client, secret, "larder-probe")

    response = publish(client, other, name)

    assert line(response, 400).startswith(f"{name} is too similar to the project larder-probe; choose another")
    assert Package.objects.count() == StoredFile.objects.count() == 1


def test_name_that_looks_like_an_imported_project_is_refused(client: FlaskClient) -> None:
    _, secret = uploads.publisher()
    factories.package("py-oil")
    site_stats.refresh()

    assert "is too similar to the project py-oil" in line(publish(client, secret, "pyoil"), 400)


def test_existing_project_goes_on_whatever_it_is_called(client: FlaskClient) -> None:
    user, secret = uploads.publisher()
    mine = [{"user_id": user.id, "name": "Ada", "role": "owner"}]
    for name in ("py-oil", "pyoil", "json"):
        factories.package(name, maintainers=mine)
    site_stats.refresh()

    assert [publish(client, secret, name).status_code for name in ("py-oil", "pyoil", "json")] == [200] * 3


@pytest.mark.parametrize("name", ["larderprobe", "json"])
def test_administrator_may_allow_a_name(client: FlaskClient, runner: FlaskCliRunner, name: str) -> None:
    _, secret = uploads.publisher()
    publish(client, secret, "larder-probe")
    assert publish(client, secret, name).status_code == 400

    done = runner.invoke(args=["packages", "allow", name.upper()])

    assert (done.exit_code, done.output) == (0, f"A new project may now be called {name.upper()}.\n")
    assert publish(client, secret, name).status_code == 200
    assert runner.invoke(args=["packages", "allow", "no name"]).exit_code == 2


def test_name_of_a_deleted_project_frees_those_that_look_like_it(client: FlaskClient) -> None:
    user, secret = uploads.publisher()
    publish(client, secret, "larder-probe")
    site_stats.refresh()
    withdrawing.delete_project(NormalizedName("larder-probe"), user)
    assert "just being created" in line(publish(client, secret, "larderprobe"), 400)
    NameClaim._get_collection().update_one(
        {}, {"$set": {"taken_at": NameClaim.objects.get().taken_at - new_names.LIFETIME - timedelta(seconds=1)}}
    )

    assert publish(client, secret, "larderprobe").status_code == 200


@pytest.mark.real_server
def test_of_projects_that_look_alike_and_begin_at_once_one_is_made(app: Flask) -> None:
    secrets = [uploads.publisher(f"Member {number}")[1] for number in range(8)]
    names = ["larder-probe", "larderprobe", "1arder-probe", "larder-pr0be", "lar-der-probe", "l-arderprobe"]
    names += ["lard-erprobe", "larder-p-robe"]

    def send(each: tuple[str, str]) -> int:
        return publish(app.test_client(), *each).status_code

    with ThreadPoolExecutor(8) as pool:
        codes = list(pool.map(send, zip(secrets, names, strict=True)))

    assert sorted(codes) == [200] + [400] * 7
    assert Package.objects.count() == 1


def test_name_that_was_taken_an_hour_ago_is_free_for_others(app: Flask) -> None:
    ada, grace = factories.user("Ada").id, factories.user("Grace").id
    new_names.take(NormalizedName("py-oil"), ada)
    NameClaim.objects.update(set__taken_at=utc_now() - timedelta(minutes=59))

    with pytest.raises(new_names.NameRefused, match="just being created"):
        new_names.take(NormalizedName("py-o1l"), grace)
    NameClaim.objects.update(set__taken_at=utc_now() - timedelta(minutes=61))
    new_names.take(NormalizedName("py-o1l"), grace)

    assert NameClaim.objects.get().holder == "py-o1l"


@pytest.mark.parametrize("holder", [["py-oil"], {"name": "py-oil"}, 7, None])
def test_claim_that_was_edited_by_hand_stops_no_upload(client: FlaskClient, holder: object) -> None:
    _, secret = uploads.publisher()
    edited = {"_id": naming.skeleton("py-oil"), "holder": holder, "session": bson.ObjectId("0" * 24), "allowed": 7}
    NameClaim._get_collection().insert_one(edited | {"taken_at": factories.A_DAY})

    assert publish(client, secret, "py-oil").status_code == 200
    assert NameClaim.objects.get().holder == "py-oil"


NAME, ALIKE = NormalizedName("py-oil"), NormalizedName("pyoil")


def session_of(user: User) -> PublishingSession:
    """A session for a new project that is about to be stored."""
    later = utc_now() + timedelta(days=7)
    return PublishingSession(package=NAME, version="1.0", state="open", created_by=user.id, expires_at=later)


@pytest.mark.parametrize("is_stored", [False, True])
@pytest.mark.parametrize("is_allowed", [False, True])
def test_session_reserves_a_name_for_one_member(app: Flask, *, is_allowed: bool, is_stored: bool) -> None:
    if is_allowed:
        new_names.allow(NAME)
    ada, grace = factories.user("Ada"), factories.user("Grace")
    session = session_of(ada)
    new_names.take(NAME, ada.id, session)
    if is_stored:
        session.save()

    for other in (session_of(grace), None):
        with pytest.raises(new_names.NameReserved, match="py-oil is reserved by a publishing session of somebody else"):
            new_names.take(NAME, grace.id, other)
    with pytest.raises(new_names.NameReserved):
        new_names.take(NAME, None)
    new_names.take(NAME, ada.id)
    new_names.take(NAME, ada.id, session_of(ada))


@pytest.mark.parametrize("name", [NAME, ALIKE])
def test_reservation_ends_with_its_session_but_not_by_an_upload(app: Flask, name: NormalizedName) -> None:
    ada, grace = factories.user("Ada"), factories.user("Grace")
    session = session_of(ada).save()
    new_names.take(NAME, ada.id, session)
    new_names.take(NAME, ada.id)

    assert NameClaim.objects.get().taken_at == session.expires_at
    with pytest.raises(new_names.NameRefused):
        new_names.take(name, grace.id)
    session.update(state="canceled")
    new_names.take(name, grace.id)


def test_reservation_of_a_session_that_was_never_stored_ends_after_a_minute(app: Flask) -> None:
    ada, grace = factories.user("Ada"), factories.user("Grace")
    session = session_of(ada)
    session.id = bson.ObjectId.from_datetime(utc_now() - timedelta(seconds=61))
    new_names.take(NAME, ada.id, session)

    new_names.take(NAME, grace.id)


def test_reserved_name_stays_reserved_when_a_name_like_it_is_allowed(app: Flask) -> None:
    ada = factories.user("Ada")
    session = session_of(ada).save()
    new_names.take(NAME, ada.id, session)
    factories.package(ALIKE)
    site_stats.refresh()

    new_names.take(NAME, ada.id, session)
