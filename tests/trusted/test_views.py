"""`/_/oidc/...`: a pipeline exchanges its token, uploads to one project, and burns what it got."""

import json
import time
from io import BytesIO
from typing import Any

import bson
import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests import factories
from tests.local_http import Answer
from tests.openid.issuers import Issuer
from tests.people import Browser, browser
from tests.publishing.uploads import line, token_of, upload, wheel, wheel_name
from tests.reading import page_of
from webapp.changes.publishers import add_pending, new_publisher
from webapp.documents import (
    ApiToken,
    AuditEvent,
    JournalEntry,
    Maintainer,
    Package,
    PendingPublisher,
    Publisher,
    StoredFile,
    UsedToken,
    User,
)
from webapp.rules.publishers import key_of
from webapp.serving.slow_clients import BUSY, Shares

CONDITIONS = {
    "repository": "Acme/Rocket",
    "job_workflow_ref": "Acme/Rocket/.github/workflows/release.yml@*",
    "environment": "release",
}


@pytest.fixture
def client(app: Flask) -> Browser:
    """A program whose requests share nothing."""
    return browser(app)


def publisher(issuer: Issuer, user: User, **conditions: str) -> Publisher:
    wanted = CONDITIONS | conditions
    key = key_of(issuer.address, wanted)
    assert key
    return new_publisher(issuer.address, key, wanted, user)


def project(issuer: Issuer, name: str = "larder-probe", user: User | None = None, **conditions: str) -> Package:
    """A project of Ada's that trusts the pipeline of acme/rocket."""
    user = user or factories.user()
    listed = [publisher(issuer, user, **conditions)]
    return factories.package(
        name, maintainers=[Maintainer(user_id=user.id, name="Ada", role="owner")], publishers=listed, releases=[]
    )


def mint(client: FlaskClient, token: object) -> tuple[int, dict[str, Any]]:
    answer = client.post("/_/oidc/mint-token", json={"token": token})
    return answer.status_code, dict(answer.json or {})


def minted(client: FlaskClient, issuer: Issuer, **claims: Any) -> str:
    code, answer = mint(client, issuer.signed(**claims))
    assert code == 200, answer
    return str(answer["token"])


def refusal(client: FlaskClient, token: object) -> tuple[str, str]:
    code, answer = mint(client, token)
    assert (code, answer["message"], answer["status"]) == (422, "Token request failed", 422)
    [error] = answer["errors"]
    assert answer["detail"] == error["description"]
    return error["code"], error["description"]


def test_pipeline_publishes_without_a_stored_token(client: Browser, issuer: Issuer) -> None:
    project(issuer)

    code, answer = mint(client, issuer.signed(key="ec-second"))
    said = upload(client, answer["token"], wheel(), wheel_name())

    assert (code, answer["success"]) == (200, True)
    assert 890 < answer["expires"] - time.time() <= 900
    assert "was published" in line(said, 200)
    package = Package.objects.get()
    [file] = package.releases[0].files
    assert (file.uploaded_by, file.source.commit) == ("acme/rocket", "0123456789abcdef0123456789abcdef01234567")
    assert file.source.workflow == "acme/rocket/.github/workflows/release.yml@refs/tags/v1"
    assert StoredFile.objects.get().uploaded_by is None
    assert package.publishers[0].last_used_at is not None
    assert "published by acme/rocket" in [each.note for each in JournalEntry.objects]
    recorded = [each.description for each in AuditEvent.objects.order_by("pk")]
    assert recorded[0].startswith("A pipeline of acme/rocket got the API token larder-")
    assert recorded[1].endswith("of larder-probe 1.0 by the pipeline of acme/rocket.")


def test_page_tells_repository_commit_and_workflow(client: Browser, issuer: Issuer) -> None:
    project(issuer)
    upload(client, minted(client, issuer), wheel(), wheel_name())

    page = page_of(client.get("/project/larder-probe/1.0/"))

    said = " ".join(page.get_text(" ").split())
    assert "published from acme/rocket at 0123456789ab by .github/workflows/release.yml in release" in said


def test_links_lead_to_the_commit_of_a_known_issuer(client: Browser, issuer: Issuer) -> None:
    package = project(issuer)
    upload(client, minted(client, issuer), wheel(), wheel_name())
    links = {
        "repository_url": "https://github.com/acme/rocket",
        "commit_url": "https://github.com/acme/rocket/commit/0",
    }
    changed = {f"releases.0.files.0.source.{name}": link for name, link in links.items()}
    Package.objects.raw().update_one({"_id": package.pk}, {"$set": changed})

    page = page_of(client.get("/project/larder-probe/1.0/"))

    assert {str(each["href"]) for each in page.select(".files a[rel*=noopener]")} >= set(links.values())


@pytest.mark.parametrize(
    ("claims", "code", "said"),
    [
        ({"aud": "pypi"}, "invalid-token", "The token is for another audience; it must be larder."),
        ({"exp": 1_700_000_000}, "invalid-token", "The token has expired."),
        ({"exp": 99_999_999_999}, "invalid-token", "The token lasts longer than a day."),
        ({"key": "stranger"}, "invalid-token", "The token is signed with a key that <issuer> does not have."),
        ({"iss": "https://evil.example"}, "invalid-token", "The issuer https://evil.example is not one that this site"),
        (
            {"repository": "evil/rocket"},
            "invalid-publisher",
            "No project has a trusted publisher for evil/rocket (<issuer>). Add one in the settings of the project.",
        ),
        (
            {"job_workflow_ref": "acme/rocket/.github/workflows/tests.yml@refs/heads/main"},
            "invalid-publisher",
            "tests.yml@refs/heads/main instead of Acme/Rocket/.github/workflows/release.yml@*.",
        ),
        ({"environment": None}, "invalid-publisher", "the token has no claim environment, which has to be release."),
        ({"event_name": "pull_request_target"}, "invalid-publisher", "event pull_request_target cannot publish."),
    ],
)
def test_wrong_token_is_refused_with_the_reason(
    client: Browser, issuer: Issuer, claims: dict[str, Any], code: str, said: str
) -> None:
    project(issuer)

    found = refusal(client, issuer.signed(**claims))

    assert found[0] == code
    assert said.replace("<issuer>", issuer.address) in found[1]
    assert ApiToken.objects.count() == UsedToken.objects.count() == 0


@pytest.mark.parametrize("jti", ["one", None])
def test_token_is_exchanged_once(client: Browser, issuer: Issuer, jti: str | None) -> None:
    project(issuer)
    token = issuer.signed(jti=jti)
    assert mint(client, token)[0] == 200

    assert refusal(client, token) == (
        "invalid-reuse-token",
        "The token was used before. Each is exchanged once: ask for a new one.",
    )
    assert ApiToken.objects.count() == 1


def test_same_jti_in_another_token_is_a_reuse(client: Browser, issuer: Issuer) -> None:
    project(issuer)
    minted(client, issuer, jti="one")

    assert refusal(client, issuer.signed(jti="one", ref="refs/tags/v2"))[0] == "invalid-reuse-token"


@pytest.mark.parametrize("claim", ["sub", "repository", "environment", "jti", "iss", "aud", "event_name", "x"])
def test_claim_that_cannot_be_encoded_is_left_out_or_refused(client: Browser, issuer: Issuer, claim: str) -> None:
    project(issuer)
    claims: dict[str, Any] = {claim: "\ud800"}

    code, answer = mint(client, issuer.signed(**claims))

    if claim in ("repository", "environment", "iss", "aud"):  # those that have to fit
        assert code == 422, answer
    else:
        assert code == 200, answer
        assert claim not in ApiToken.objects.get().claims


BODIES = [b"", b"[]", b"{}", b'{"token": 7}', b"\xff", b"[" * 30_000, b'{"token": "' + b"x" * 50_000 + b'"}']


@pytest.mark.parametrize("body", BODIES)
@pytest.mark.parametrize("path", ["mint-token", "burn-token"])
def test_body_without_a_token_is_refused(client: Browser, issuer: Issuer, body: bytes, path: str) -> None:
    answer = client.post(f"/_/oidc/{path}", data=body, content_type="application/json")

    assert answer.status_code == (422 if path == "mint-token" else 202)
    if path == "mint-token":
        assert json.loads(answer.text)["errors"][0]["code"] == "invalid-payload"


def test_token_of_any_length_is_called_too_long(client: Browser, issuer: Issuer) -> None:
    for length in (20_000, 60_000):
        assert refusal(client, issuer.signed(more="x" * length))[1] == "The token is too long."


def test_long_token_in_chunks_is_refused_as_one_that_says_its_length(client: Browser, issuer: Issuer) -> None:
    body = BODIES[-1]

    answers = []
    for framing in ({"CONTENT_LENGTH": str(len(body))}, {"HTTP_TRANSFER_ENCODING": "chunked"}):
        environ = {"wsgi.input": BytesIO(body), "wsgi.input_terminated": True} | framing
        answers.append(client.post("/_/oidc/mint-token", environ_overrides=environ))

    assert [answer.status_code for answer in answers] == [422, 422]
    assert answers[0].data == answers[1].data


def test_site_that_is_busy_says_so_in_the_form_that_clients_print(
    app: Flask, client: Browser, issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    project(issuer)
    monkeypatch.setattr(app.extensions["slow_clients"], "providers", Shares(0))

    answer = client.post("/_/oidc/mint-token", json={"token": issuer.signed()})

    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert json.loads(answer.text)["errors"] == [{"code": "request-failed", "description": BUSY}]


def test_issuer_that_hangs_is_named_before_the_step_for_pypi_gives_up(client: Browser, issuer: Issuer) -> None:
    project(issuer)
    issuer.answers["/keys"] = issuer.answers["/keys"]._replace(delay_s=6)
    began = time.monotonic()

    assert refusal(client, issuer.signed())[1].endswith("did not answer within 4 seconds.")
    assert time.monotonic() - began < 5


def test_issuer_that_is_away_is_named(client: Browser, issuer: Issuer) -> None:
    project(issuer)
    issuer.answers["/keys"] = Answer(500)

    assert refusal(client, issuer.signed())[1].endswith("answered 500 without what was asked for.")


def test_token_is_for_its_project_alone(client: Browser, issuer: Issuer) -> None:
    project(issuer)
    project(issuer, "another", User.objects.get(), repository="acme/plane")

    said = upload(client, minted(client, issuer), wheel("another"), wheel_name("another"))

    assert line(said, 403) == "This API token is for the project larder-probe only."


def test_token_of_two_projects_is_for_the_first_that_it_uploads_to(client: Browser, issuer: Issuer) -> None:
    project(issuer)
    project(issuer, "another", User.objects.get())
    secret = minted(client, issuer)

    stranger, first, second = (
        upload(client, secret, wheel(name), wheel_name(name)) for name in ("foreign", "another", "larder-probe")
    )

    assert line(stranger, 403).startswith("This pipeline cannot create the project: there is no project foreign")
    assert "was published" in line(first, 200)
    assert line(second, 403) == "This API token is for the project another only."


def test_publisher_of_a_stranger_does_not_keep_a_pipeline_from_publishing(client: Browser, issuer: Issuer) -> None:
    project(issuer)
    project(issuer, "aaa", factories.user("Eve"))

    said = upload(client, minted(client, issuer), wheel(), wheel_name())

    assert "was published" in line(said, 200)


def test_removed_publisher_makes_its_tokens_worthless(client: Browser, issuer: Issuer) -> None:
    package = project(issuer)
    secret = minted(client, issuer)
    Package.objects.raw().update_one({"_id": package.pk}, {"$unset": {"publishers": ""}})

    said = upload(client, secret, wheel(), wheel_name())

    assert line(said, 403) == (
        "The project larder-probe does not trust this pipeline: none of its trusted publishers is this one."
    )


def test_burnt_token_uploads_nothing(client: Browser, issuer: Issuer) -> None:
    project(issuer)
    secret = minted(client, issuer)

    answer = client.post("/_/oidc/burn-token", json={"token": secret})

    assert (answer.status_code, answer.json) == (202, {"message": "Accepted"})
    assert "not valid" in line(upload(client, secret, wheel(), wheel_name()), 403)


def test_token_of_a_member_cannot_be_burnt(client: Browser, issuer: Issuer) -> None:
    token = ApiToken(user_id=bson.ObjectId(), name="CI", digest="a" * 64, scope={"kind": "account"}).save()

    client.post("/_/oidc/burn-token", json={"token": "x"})

    assert ApiToken.objects.get().id == token.id


def test_token_of_a_pipeline_reads_nothing(client: Browser, issuer: Issuer, monkeypatch: pytest.MonkeyPatch) -> None:
    project(issuer)
    secret = minted(client, issuer)
    monkeypatch.setitem(client.application.config, "READ_ACCESS", "members")

    assert client.get("/simple/larder-probe/", auth=("__token__", secret)).status_code == 403


def test_pending_publisher_creates_the_project_once(client: Browser, issuer: Issuer) -> None:
    user = factories.user()
    add_pending("larder-probe", publisher(issuer, user), user)  # type: ignore[arg-type]

    said = upload(client, minted(client, issuer), wheel(), wheel_name())

    assert "was published" in line(said, 200)
    package = Package.objects.get()
    assert [(each.user_id, each.role) for each in package.maintainers] == [(user.id, "owner")]
    assert [each.conditions for each in package.publishers] == [CONDITIONS]
    assert PendingPublisher.objects.count() == 0
    assert "was published" in line(
        upload(client, minted(client, issuer), wheel(version="2.0"), wheel_name(version="2.0")), 200
    )


def test_pending_publisher_of_a_disabled_member_creates_nothing(client: Browser, issuer: Issuer) -> None:
    user = factories.user(is_disabled=True)
    add_pending("larder-probe", publisher(issuer, user), user)  # type: ignore[arg-type]

    said = upload(client, minted(client, issuer), wheel(), wheel_name())

    assert line(said, 403).startswith("This pipeline cannot create the project:")
    assert Package.objects.count() == 0


def test_repository_of_a_new_owner_is_another_one(client: Browser, issuer: Issuer) -> None:
    project(issuer)
    upload(client, minted(client, issuer), wheel(), wheel_name())

    assert refusal(client, issuer.signed(repository_owner_id="666"))[1].endswith(
        "its repository_owner_id is 666 instead of 4711."
    )


def test_project_can_demand_its_publishers(client: Browser, issuer: Issuer) -> None:
    package = project(issuer)
    Package.objects.raw().update_one({"_id": package.pk}, {"$set": {"only_publishers": True}})

    said = upload(client, token_of(User.objects.get()), wheel(), wheel_name())

    assert line(said, 403) == "The project larder-probe accepts new files from its trusted publishers only."
    assert "was published" in line(upload(client, minted(client, issuer), wheel(), wheel_name()), 200)


def test_archived_project_refuses_its_publishers(client: Browser, issuer: Issuer) -> None:
    package = project(issuer)
    Package.objects.raw().update_one({"_id": package.pk}, {"$set": {"status": {"marker": "archived"}}})

    said = upload(client, minted(client, issuer), wheel(), wheel_name())

    assert "is archived" in line(said, 403)


def test_audience_is_told(client: Browser, issuer: Issuer) -> None:
    assert client.get("/_/oidc/audience").json == {"audience": "larder"}


def test_site_without_issuers_says_so(client: Browser) -> None:
    audience = client.get("/_/oidc/audience")

    assert (audience.status_code, (audience.json or {})["message"]) == (
        403,
        "Trusted publishing is switched off on this site.",
    )
    assert refusal(client, "x")[0] == "not-enabled"
    assert client.get("/.well-known/pytp?discover=/legacy/").status_code == 404


@pytest.mark.parametrize("accept", [None, "application/vnd.pypi.pytp.v1+json", "application/json", "*/*"])
def test_discovery_names_the_endpoints(client: Browser, issuer: Issuer, accept: str | None) -> None:
    headers = {"Accept": accept} if accept else {}

    answer = client.get("/.well-known/pytp?discover=%2Flegacy%2F", headers=headers)

    assert answer.mimetype == "application/vnd.pypi.pytp.v1+json"
    assert json.loads(answer.text) == {
        "audience-endpoint": "http://localhost/_/oidc/audience",
        "token-mint-endpoint": "http://localhost/_/oidc/mint-token",
        "features": ["multi-use-token"],
        "default-features": ["multi-use-token"],
    }


@pytest.mark.parametrize(
    ("path", "headers", "code"),
    [("?discover=/other/", {}, 404), ("", {}, 404), ("?discover=/legacy/", {"Accept": "text/html"}, 406)],
)
def test_discovery_refuses_others(
    client: Browser, issuer: Issuer, path: str, headers: dict[str, str], code: int
) -> None:
    assert client.get(f"/.well-known/pytp{path}", headers=headers).status_code == code
