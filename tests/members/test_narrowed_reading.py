"""READ_ACCESS=members, narrowed to teams: what those who may not read a project learn of it, by every address."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from tests import factories
from tests.counting import counted
from tests.members.test_read_access import ARGUMENTS, FILENAMES, as_program
from tests.people import Browser, begun_session, browser, in_session, signed_in
from tests.publishing import uploads
from webapp.changes import search_index, site_stats
from webapp.changes.advisories import add_own
from webapp.changes.withdrawing import delete_project
from webapp.documents import Advisory, License, Maintainer, Membership, Package, ProgrammingLanguage, Team, User
from webapp.documents.base import utc_now
from webapp.documents.hidden import hide
from webapp.members import tokens
from webapp.rules.naming import normalize_name
from webapp.serving.kept_files import KeptFiles
from webapp.serving.public_pages import PageCache
from webapp.upstream.refusing import Refusals

# The hidden project. Nothing else of the site is called so, and `ABSENT`, as long, is not there at all.
SECRET, ABSENT = "zanzibar", "quagmire"
FIELDS = ("License: MIT", "Classifier: Topic :: A", "Requires-Dist: required", f"Summary: What {SECRET} does")
WHEEL = uploads.wheel(SECRET, "1.0", text=uploads.metadata(SECRET, "1.0", *FIELDS))
CRITICAL = {"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}
# What lists projects, or mentions others, beside the plain address of each view.
LISTS = [
    "/projects/?order=newest",
    "/projects/?order=updated",
    "/projects/?order=releases",
    "/projects/?starts=zan",
    "/search/?q=zanzibat",
    "/search/?q=required+zanzibat",
    "/search/?q=",
    "/search/?q=what",
    "/search/?q=what+nothing",
    "/search/?q=%22what%20it%20does%22",
    "/search/?order=newest",
    "/search/?order=name",
    "/search/?order=name&q=what",
    "/search/?license=MIT",
    "/search/?classifier=Topic+::+A",
    "/search/suggest?q=zan",
    "/used-by/required/",
    "/project/required/",
    "/project/required/advisories/",
    "/advisories/PYSEC-2024-1/",
    "/osv/v1/vulns/PYSEC-2024-2",
    "/advisories/PYSEC-2024-3/",
    "/osv/v1/vulns/PYSEC-2024-3",
    "/advisories/?q=required",
    "/pypi/required/1.0/json",
    "/simple/",
    "/teams/staff/projects",
]


class World(NamedTuple):
    """A site for members with a project that only the staff may read."""

    app: Flask
    contractor: Browser
    member: Browser


@pytest.fixture
def world(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    app.extensions["limiter"].storage.reset()
    monkeypatch.setitem(app.config, "READ_ACCESS", "members")
    monkeypatch.setitem(app.extensions, "page_cache", PageCache(1_000_000, 60))
    monkeypatch.setitem(app.extensions, "kept_files", KeptFiles(1_000_000))
    Team(name="staff").save()
    ada = factories.user("Ada", username="ada")
    factories.package("Required", license="MIT", classifiers=["Topic :: A"])
    factories.package("Example")
    sent = uploads.upload(app.test_client(), uploads.token_of(ada), WHEEL, uploads.wheel_name(SECRET))
    assert sent.status_code == 200, sent.text
    Package._get_collection().update_one({"_id": SECRET}, {"$set": {"readers": ["staff"]}})
    factories.advisory("PYSEC-2024-1", "required")
    factories.advisory("PYSEC-2024-2", SECRET, is_own=True)
    both = [entry for name in ("required", SECRET) for entry in factories.record("", name)["affected"]]
    factories.advisory("PYSEC-2024-3", "required", affected=both, severity=[CRITICAL])
    counted(f"{SECRET} 1.0 {utc_now():%Y-%m-%d}", f"required 1.0 {utc_now():%Y-%m-%d}")
    search_index.rebuild()
    site_stats.refresh()
    member = signed_in(app, "Staff", teams=[Membership(team="staff")])
    yield World(app, signed_in(app, "Contractor", username="contractor"), member)
    app.extensions["limiter"].storage.reset()


def file_address() -> str:
    digest = uploads.sha256(WHEEL)
    return f"/files/{digest[:2]}/{digest[2:4]}/{digest[4:]}/{uploads.wheel_name(SECRET)}"


def addresses(app: Flask, name: str) -> dict[str, str]:
    """The address of every view that can be read, about this project where it is about one, by endpoint and rule."""
    found = {}
    adapter = app.url_map.bind("localhost")
    digest = uploads.sha256(WHEEL)
    parts = {"first": digest[:2], "second": digest[2:4], "rest": digest[4:], "advisory_id": "PYSEC-2024-2"}
    for rule in app.url_map.iter_rules():
        if "GET" in (rule.methods or set()):
            filename = FILENAMES.get(rule.endpoint, uploads.wheel_name(name))
            known = ARGUMENTS | parts | {"name": name, "new": "1.0", "filename": filename}
            found[f"{rule.endpoint} {rule.rule}"] = adapter.build(
                rule.endpoint, {key: known[key] for key in rule.arguments}
            )
    return found


def text_of(answer: TestResponse) -> str:
    return answer.data.decode(errors="replace")


def program(app: Flask, name: str, address: str) -> tuple[int, str]:
    """What a program with a reading token of this member gets: the status and the text."""
    secret = uploads.token_of(User.objects.get(name=name), permissions=("read",))
    answer = browser(app).get(address, headers=as_program(secret), buffered=True)
    return answer.status_code, text_of(answer)


def test_no_address_says_anything_of_a_hidden_project(world: World) -> None:
    """The answers about the hidden project are those about one that is not there."""
    hidden, absent = addresses(world.app, SECRET), addresses(world.app, ABSENT)
    assert len(hidden) > 60

    for key, address in hidden.items():
        first, second = (world.contractor.get(each, buffered=True) for each in (address, absent[key]))

        if key.startswith("accounts.logout"):
            continue
        asked, nothing = (answer.text.replace(name, "NAME") for answer, name in ((first, SECRET), (second, ABSENT)))
        assert first.status_code == second.status_code, key
        if first.status_code != 200 or "<name>" in key or "filename" in key:
            assert "What " not in asked, key
            assert request_ids_out(asked) == request_ids_out(nothing), key
        else:
            assert SECRET not in first.text, key


def test_no_address_about_another_project_mentions_the_hidden_one(world: World) -> None:
    for key, address in addresses(world.app, "required").items():
        assert SECRET not in text_of(world.contractor.get(address, buffered=True)), key


def request_ids_out(text: str) -> str:
    """A page without what differs each time: the request's id and its token."""
    return "\n".join(line for line in text.splitlines() if "csrf" not in line and "equest" not in line)


def test_those_who_may_read_it_find_it_at_these_addresses(world: World) -> None:
    """What the test above would miss if the addresses were wrong."""
    found = {
        key.split()[0]
        for key, address in addresses(world.app, SECRET).items()
        if SECRET in text_of(world.member.get(address, buffered=True))
    }

    assert {
        *("home.index", "packages.project", "packages.projects", "packages.license_page", "packages.classifier"),
        *("accounts.profile", "stats.index", "feeds.updates", "feeds.packages", "feeds.project_releases"),
        *("index_api.simple_index", "index_api.simple_project", "index_api.project_json", "seo.sitemap_projects"),
        *("advisories.advisories", "advisories.advisory", "advisories.project", "inside.inside"),
    } - found == set()


@pytest.mark.parametrize("address", LISTS)
def test_no_list_names_a_hidden_project(world: World, address: str) -> None:
    shown = world.member.get(address, buffered=True)
    hidden = world.contractor.get(address, buffered=True)

    assert SECRET not in hidden.text.replace("q=zan", "")
    assert hidden.status_code in (200, 404)
    assert shown.status_code == 200 or address.startswith("/osv")


@pytest.mark.parametrize(
    "address",
    ["/simple/", f"/simple/{SECRET}/", f"/pypi/{SECRET}/json", "<file>", "<file>.metadata", "/rss/updates.xml"],
)
def test_programs_read_what_their_members_may(world: World, address: str) -> None:
    address = address.replace("<file>", file_address())

    member, contractor, again = (program(world.app, name, address) for name in ("Staff", "Contractor", "Staff"))

    assert member == again
    assert member[0] == 200
    assert contractor[0] == (200 if address in ("/simple/", "/rss/updates.xml") else 404)
    assert SECRET in member[1] or address == file_address()
    assert SECRET not in contractor[1] or contractor[0] == 404


def advisories_of(world: World, member: str, project: str) -> list[str]:
    """The ids that a member's audit finds for 1.0 of a project, by every interface that it may ask."""
    secret = uploads.token_of(User.objects.get(name=member), permissions=("read",))
    query = {"package": {"name": project, "ecosystem": "PyPI"}, "version": "1.0"}
    client, headers = browser(world.app), as_program(secret)
    one = client.post("/osv/v1/query", json=query, headers=headers).get_json()
    [of_many] = client.post("/osv/v1/querybatch", json={"queries": [query]}, headers=headers).get_json()["results"]
    ids = [each["id"] for each in one.get("vulns", [])]
    assert [each["id"] for each in of_many.get("vulns", [])] == ids
    release = client.get(f"/pypi/{project}/1.0/json", headers=headers)
    if release.status_code == 200:
        assert [each["id"] for each in release.get_json()["vulnerabilities"]] == ids
    return ids


def test_advisory_about_a_hidden_project_and_others_warns_of_the_others(world: World) -> None:
    assert advisories_of(world, "Contractor", "required") == ["PYSEC-2024-1", "PYSEC-2024-3"]
    assert advisories_of(world, "Staff", SECRET) == ["PYSEC-2024-2", "PYSEC-2024-3"]
    assert advisories_of(world, "Contractor", SECRET) == []
    assert advisories_of(world, "Contractor", ABSENT) == []


BY_HAND: Any = {"bypass_document_validation": True}
EDITS: list[dict[str, Any]] = [
    {"$push": {"affects": {"fixed_in": []}}},
    {"$set": {"affects": []}},
    {"$set": {"affects": None}},
    {"$unset": {"affects": ""}},
]


@pytest.mark.parametrize("edit", EDITS)
def test_advisory_about_a_hidden_project_stays_hidden_if_what_it_affects_was_edited(
    world: World, edit: dict[str, Any]
) -> None:
    Advisory.objects.raw().update_one({"_id": "PYSEC-2024-2"}, edit, **BY_HAND)

    for address in ("/advisories/PYSEC-2024-2/", "/osv/v1/vulns/PYSEC-2024-2"):
        assert world.contractor.get(address).status_code == 404, address
    assert SECRET not in world.contractor.get("/advisories/").text


def test_what_is_left_of_a_hidden_project_stays_hidden_until_another_has_its_name(world: World, tmp_path: Path) -> None:
    ada, path = User.objects.get(name="Ada"), tmp_path / "own.json"
    path.write_text(json.dumps(factories.record("PYSEC-2024-2", SECRET, modified="2026-11-02T10:00:00Z")))
    addresses = ["/advisories/PYSEC-2024-2/", "/osv/v1/vulns/PYSEC-2024-2", f"/advisories/?q={SECRET}"]
    pages = ["/advisories/", "/rss/advisories.xml", "/advisories/PYSEC-2024-3/", "/license/MIT/", "/stats/"]

    def seen_by(reader: Browser) -> list[bool]:
        return ["PYSEC-2024-2" in reader.get(each).text.replace("“PYSEC-2024-2”", "") for each in addresses]

    before = seen_by(world.contractor)
    with world.app.app_context():
        delete_project(normalize_name(SECRET), ada)
        add_own(path)

    assert before == seen_by(world.contractor) == [False, False, False]
    assert [SECRET in world.contractor.get(each).text for each in pages] == [False] * len(pages)
    assert seen_by(world.member) == [True, True, True]
    maintainer = in_session(world.app, begun_session(world.app, ada))
    assert seen_by(maintainer) == [True, True, True]
    factories.package(SECRET)
    assert seen_by(world.contractor) == [True, True, True]


@pytest.mark.parametrize("page", ["", "?page=2"])
def test_licence_and_language_that_only_a_hidden_project_has_are_unknown(world: World, page: str) -> None:
    licence, language = "Zanzibar Public License", "Programming Language :: Zanzi"
    filed = {"license_id": licence, "classifiers": [language]}
    Package._get_collection().update_one({"_id": SECRET}, {"$set": filed})
    License.objects.add_missing([(licence, licence)])
    ProgrammingLanguage.objects.add_missing([("zanzi", language)])

    for address, unknown in ((f"/license/{licence}/", "/license/Unknown/"), ("/language/zanzi/", "/language/unknown/")):
        answers = [each.get(address + page) for each in (world.member, world.contractor)]
        nothing = world.contractor.get(unknown + page)

        assert [each.status_code for each in answers] == [404 if page else 200, 404]
        name, absent = address.split("/")[2], unknown.split("/")[2]
        assert request_ids_out(answers[1].text.replace(name, "X")) == request_ids_out(nothing.text.replace(absent, "X"))
    assert licence.split()[0] in world.member.get("/sitemap/pages.xml").text
    assert licence.split()[0] not in world.contractor.get("/sitemap/pages.xml").text


def test_file_from_upstream_is_refused_to_whoever_may_not_read_what_else_is_affected(world: World) -> None:
    refusals = Refusals("high", frozenset())
    reasons = []
    for hidden in ([], [SECRET]):
        with world.app.test_request_context():
            hide(hidden)
            reasons.append(refusals.of("required")("required-1.0-py3-none-any.whl"))

    assert reasons[0] is not None
    assert reasons[0] == reasons[1]
    assert "PYSEC-2024-3" in reasons[0]


def test_caches_of_one_process_mix_nobody_up(world: World) -> None:
    for address in ("/", "/projects/", "/simple/", "/rss/updates.xml", f"/rss/project/{SECRET}/releases.xml"):
        first = world.member.get(address, buffered=True)
        etag = {"If-None-Match": first.headers["ETag"]}

        other, again = world.contractor.get(address, headers=etag), world.member.get(address, headers=etag)

        assert SECRET in first.text
        assert other.status_code in (200, 404), address
        assert SECRET not in other.text, address
        assert again.status_code == 304, address


def test_maintainers_of_any_kind_and_administrators_read_it(world: World) -> None:
    contractor = User.objects.get(name="Contractor")
    address = f"/project/{SECRET}/"
    changes = [
        ({"_id": SECRET}, {"$push": {"maintainers": {"user_id": contractor.id, "name": "C", "role": "maintainer"}}}),
        ({"_id": SECRET}, {"$set": {"teams": [{"team": "helpers", "role": "maintainer"}], "maintainers": []}}),
    ]
    before = world.contractor.get(address).status_code

    Package._get_collection().update_one(*changes[0])
    as_maintainer = world.contractor.get(address).status_code
    Package._get_collection().update_one(*changes[1])
    User.objects(pk=contractor.pk).update(teams=[Membership(team="helpers")])
    by_team = world.contractor.get(address).status_code
    User.objects(pk=contractor.pk).update(teams=[], is_admin=True)
    as_administrator = world.contractor.get(address).status_code

    assert (before, as_maintainer, by_team, as_administrator) == (404, 200, 200, 200)


def test_leaving_the_team_hides_it_at_once(world: World) -> None:
    before = world.member.get(f"/project/{SECRET}/").status_code
    User.objects(name="Staff").update(teams=[])

    assert (before, world.member.get(f"/project/{SECRET}/").status_code) == (200, 404)


def test_owner_narrows_a_project_and_opens_it_again(world: World) -> None:
    ada = signed_in(world.app, "Owner")
    owner = User.objects.get(name="Owner")
    factories.package("Opened", maintainers=[Maintainer(user_id=owner.id, name="Owner", role="owner")])
    seen = [world.contractor.get("/project/opened/").status_code]

    refused = ada.send("/manage/opened/readers", readers="nobody")
    for readers in ("staff", ""):
        assert ada.send("/manage/opened/readers", readers=readers).location == "/manage/opened/settings"
        seen.append(world.contractor.get("/project/opened/").status_code)

    assert refused.status_code == 400
    assert seen == [200, 404, 200]


def test_invited_person_reads_the_invitation_to_a_hidden_project(world: World) -> None:
    owner = signed_in(world.app, "Owner")
    user = User.objects.get(name="Owner")
    entry = {"user_id": user.id, "name": "Owner", "role": "owner"}
    Package._get_collection().update_one({"_id": SECRET}, {"$set": {"maintainers": [entry]}})
    owner.send(f"/manage/{SECRET}/maintainers", email="contractor@example.org", role="maintainer")
    invitation = Package.objects.get(pk=SECRET).invitations[0]
    with world.app.test_request_context():
        link = tokens.for_invitation(normalize_name(SECRET), invitation.invitation_id)

    shown = world.contractor.get(f"/account/invitations/{link}")
    accepted = world.contractor.send(f"/account/invitations/{link}")

    assert shown.status_code == 200
    assert accepted.status_code == 302
    assert world.contractor.get(f"/project/{SECRET}/").status_code == 200


def test_name_that_looks_like_a_hidden_one_is_refused_without_naming_it(world: World) -> None:
    secret = uploads.token_of(User.objects.get(name="Contractor"))
    content = uploads.wheel("zanzlbar", "1.0")

    answer = uploads.upload(browser(world.app), secret, content, uploads.wheel_name("zanzlbar"))

    assert answer.status_code == 400
    assert "too similar to a project of this site" in answer.text
