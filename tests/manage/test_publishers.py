"""The pages on which owners choose the pipelines that may publish."""

from typing import Any

import pytest
from flask import Flask

from tests import factories
from tests.people import Browser, errors, signed_in
from tests.reading import read, texts, words
from webapp.documents import AuditEvent, Maintainer, Package, PendingPublisher, User
from webapp.openid.providers import Provider

GITHUB, OTHER = "https://token.actions.githubusercontent.com", "https://gitlab.example.org"
NEW = "/manage/example/publishers/new"
ROCKET = {"issuer": GITHUB, "service": "github", "repository": "acme/rocket", "workflow": "release.yml"}


@pytest.fixture
def ada(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Browser:
    """An owner of the project Example, on a site that trusts two issuers."""
    trusted = {each: Provider(each, "TRUSTED_ISSUERS") for each in (GITHUB, OTHER)}
    monkeypatch.setitem(app.extensions, "trusted_issuers", trusted)
    monkeypatch.setitem(app.extensions, "trusted_audience", "larder")
    found = signed_in(app)
    factories.package(maintainers=[Maintainer(user_id=User.objects.get().id, name="Ada", role="owner")])
    return found


def test_owner_adds_a_workflow_of_github(ada: Browser) -> None:
    ada.send(NEW, **ROCKET, environment="release", conditions="ref = refs/tags/*\n")

    [publisher] = Package.objects.get().publishers
    assert publisher.key == f"{GITHUB} repository=acme/rocket"
    assert publisher.conditions == {
        "ref": "refs/tags/*",
        "repository": "acme/rocket",
        "job_workflow_ref": "acme/rocket/.github/workflows/release.yml@*",
        "environment": "release",
    }
    page = read(ada, "/manage/example/publishers")
    assert texts(page, ".token strong") == ["acme/rocket"]
    assert "refs/tags/*" in words(page)
    assert "whose audience is larder" in words(page)
    assert "Let a pipeline publish example" in AuditEvent.objects.order_by("-pk").first().description


def test_owner_adds_a_pipeline_of_gitlab(ada: Browser) -> None:
    sent = {"issuer": OTHER, "service": "gitlab", "repository": "acme/sub/rocket", "workflow": ".gitlab-ci.yml"}

    ada.send(NEW, **sent)

    assert Package.objects.get().publishers[0].conditions == {
        "project_path": "acme/sub/rocket",
        "ci_config_ref_uri": "gitlab.example.org/acme/sub/rocket//.gitlab-ci.yml@*",
    }


def test_owner_adds_conditions_of_another_issuer(ada: Browser) -> None:
    ada.send(NEW, issuer=OTHER, service="other", conditions="sub = system:serviceaccount:ci:pub")

    assert Package.objects.get().publishers[0].conditions == {"sub": "system:serviceaccount:ci:pub"}


@pytest.mark.parametrize(
    ("fields", "field", "said"),
    [
        ({"issuer": "https://evil.example"}, "issuer", "Not a valid choice."),
        ({"repository": "rocket"}, "repository", "Enter the path of the repository, such as acme/rocket."),
        ({"repository": "acme/*"}, "repository", "Enter the path of the repository, such as acme/rocket."),
        ({"repository": "acme/rocket/x"}, "repository", "Enter the path of the repository, such as acme/rocket."),
        ({"workflow": "*.yml"}, "workflow", "Enter the name of a file that ends with .yml or .yaml."),
        ({"workflow": "../release.yml"}, "workflow", "Enter the name of a file that ends with .yml or .yaml."),
        ({"service": "other"}, "repository", "Leave this empty, and write conditions instead."),
        ({"conditions": "ref"}, "conditions", "Write each condition as claim = value, such as ref = refs/tags/*."),
        (
            {"conditions": "$where = 1"},
            "conditions",
            "Write each condition as claim = value, such as ref = refs/tags/*.",
        ),
        ({"conditions": "a = b\n" * 11}, "conditions", "Enter at most 10 conditions."),
        (
            {"service": "other", "repository": "", "workflow": "", "conditions": "ref = refs/heads/main"},
            "conditions",
            "Add a condition without * that only your own pipeline meets, such as sub = ... (its subject).",
        ),
    ],
)
def test_publisher_that_lets_strangers_in_is_refused(
    ada: Browser, fields: dict[str, str], field: str, said: str
) -> None:
    answer = ada.send(NEW, **ROCKET | fields)

    assert answer.status_code == 400
    assert errors(answer)[field] == said
    assert not Package.objects.get().publishers


def test_owner_demands_publishers_once_there_is_one(ada: Browser) -> None:
    token = ada.token("/manage/example/publishers/new")
    refused = ada.post("/manage/example/publishers/only/on", data={"csrf_token": token})
    ada.send(NEW, **ROCKET)

    ada.send("/manage/example/publishers/only/on")
    demanded = Package.objects.get().only_publishers
    ada.send("/manage/example/publishers/only/off")

    assert (refused.status_code, demanded, Package.objects.get().only_publishers) == (409, True, None)


def test_owner_removes_a_publisher(ada: Browser) -> None:
    ada.send(NEW, **ROCKET)
    [publisher] = Package.objects.get().publishers

    ada.send(f"/manage/example/publishers/{publisher.publisher_id}/remove")

    assert not Package.objects.get().publishers


def test_maintainer_sees_publishers_and_changes_none(ada: Browser) -> None:
    ada.send(NEW, **ROCKET)
    roles = [{"user_id": User.objects.get().id, "role": "maintainer"}, {"user_id": User().id, "role": "owner"}]
    Package.objects.raw().update_one({}, {"$set": {"maintainers": roles}})

    page = read(ada, "/manage/example/publishers")

    assert texts(page, ".token strong") == ["acme/rocket"]
    assert page.select("main form") == []
    assert ada.get(NEW).status_code == 403


def test_member_prepares_a_new_project(ada: Browser) -> None:
    sent = ada.send("/account/publishers/new", project="New.Project", **ROCKET)

    assert sent.location == "/account/publishers/"
    [pending] = PendingPublisher.objects
    assert (pending.project, pending.user_id) == ("new-project", User.objects.get().id)
    assert "Project new-project" in words(read(ada, "/account/publishers/"))
    ada.press("/account/publishers/", f"/account/publishers/{pending.id}/remove")
    assert PendingPublisher.objects.count() == 0


@pytest.mark.parametrize("edit", [{"$unset": {"publisher.conditions": ""}}, {"$set": {"publisher.conditions": None}}])
def test_pending_publisher_without_conditions_is_listed(ada: Browser, edit: dict[str, Any]) -> None:
    ada.send("/account/publishers/new", project="New.Project", **ROCKET)
    [pending] = PendingPublisher.objects
    PendingPublisher.objects.raw().update_one({}, edit)

    page = read(ada, "/account/publishers/")

    assert texts(page, ".token strong") == [pending.publisher.key]


def test_project_that_exists_needs_no_pending_publisher(ada: Browser) -> None:
    answer = ada.send("/account/publishers/new", project="example", **ROCKET)

    assert errors(answer)["project"] == "This project exists. Its owners add publishers in its settings."


def test_stranger_removes_no_pending_publisher(ada: Browser, app: Flask) -> None:
    ada.send("/account/publishers/new", project="new", **ROCKET)
    eve = signed_in(app, "Eve")
    address = f"/account/publishers/{PendingPublisher.objects.get().id}/remove"

    answer = eve.post(address, data={"csrf_token": eve.token("/account/publishers/new")})

    assert (answer.status_code, PendingPublisher.objects.count()) == (404, 1)


def test_site_without_issuers_offers_nothing(ada: Browser, app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(app.extensions, "trusted_issuers", {})

    assert "This site trusts no issuer." in words(read(ada, "/manage/example/publishers"))
    assert ada.get(NEW).status_code == ada.get("/account/publishers/new").status_code == 404
