"""Real tools in a pipeline publish over TLS, with a token of an issuer that is reached over TLS as well."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import requests
from flask import Flask

from tests.live import Run, live
from tests.openid.authority import server_context
from tests.openid.issuers import AUDIENCE, Issuer, as_json, issuing
from tests.publishing import uploads
from tests.trusted.test_views import project
from webapp.documents import ApiToken, Package
from webapp.openid.providers import Provider

pytestmark = pytest.mark.real_server


GITLAB_CLAIMS: dict[str, Any] = {
    "repository": None,
    "project_path": "acme/rocket",
    "ci_config_ref_uri": "gitlab.example.org/acme/rocket//.gitlab-ci.yml@refs/tags/v1",
}


class Pipeline(NamedTuple):
    """A pipeline with a wheel to publish."""

    address: str
    issuer: Issuer
    uv: Run
    authority: str

    def publishes(self, **claims: Any) -> tuple[int, str]:
        """Publish the wheel with uv, with a token that says this."""
        token = self.issuer.signed(key="ec-second", **claims)
        self.issuer.answers[f"/token?job=1&audience={AUDIENCE}"] = as_json({"value": token})
        return self.runs_uv()

    def runs_uv(self) -> tuple[int, str]:
        """Publish the wheel with uv, which finds the token itself."""
        url = f"{self.address}/legacy/"
        done = self.uv("publish", "--trusted-publishing", "always", "--publish-url", url, "dist/*")
        return done.returncode, done.stdout + done.stderr


@pytest.fixture
def pipeline(
    app: Flask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> Iterator[Pipeline]:
    """A pipeline of GitHub Actions, as far as uv sees, or of another service that a test asks for."""
    service = getattr(request, "param", "GITHUB_ACTIONS")
    tls, authority = server_context(tmp_path)
    (tmp_path / "dist").mkdir()
    (tmp_path / "dist" / uploads.wheel_name()).write_bytes(uploads.wheel())
    for name in ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"):
        monkeypatch.setenv(name, str(authority))
    with issuing(tls) as issuer, live(app, tls) as address:
        monkeypatch.setenv(service, "true")
        monkeypatch.setenv("LARDER_ID_TOKEN", issuer.signed(**GITLAB_CLAIMS))
        monkeypatch.setenv("ACTIONS_ID_TOKEN_REQUEST_URL", f"{issuer.address}/token?job=1")
        monkeypatch.setenv("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "secret")
        monkeypatch.setenv("NO_PROXY", "localhost")
        trusted = {issuer.address: Provider(issuer.address, "TRUSTED_ISSUERS")}
        monkeypatch.setitem(app.extensions, "trusted_issuers", trusted)
        monkeypatch.setitem(app.extensions, "trusted_audience", AUDIENCE)
        yield Pipeline(address, issuer, request.getfixturevalue("uv"), str(authority))


def test_uv_publishes_without_a_stored_token_and_burns_the_one_it_got(pipeline: Pipeline) -> None:
    project(pipeline.issuer)

    code, said = pipeline.publishes()

    assert code == 0, said
    [release] = Package.objects.get().releases
    assert release.files[0].source.repository == "acme/rocket"
    assert ApiToken.objects.count() == 0
    assert "could not" not in said.lower()


def test_uv_prints_the_reason_of_a_refusal(pipeline: Pipeline) -> None:
    project(pipeline.issuer)

    code, said = pipeline.publishes(environment="tests")

    assert code != 0
    assert "its environment is tests instead of release" in " ".join(said.split())  # uv wraps it


@pytest.mark.parametrize("path", ["/_/oidc/mint-token", "/_/oidc/github/mint-token"])
def test_step_for_pypi_exchanges_its_token_and_twine_publishes(pipeline: Pipeline, run: Run, path: str) -> None:
    """What pypa/gh-action-pypi-publish does: ask for the audience, exchange GitHub's token, and run twine with it."""
    project(pipeline.issuer)
    audience = requests.get(f"{pipeline.address}/_/oidc/audience", timeout=30).json()["audience"]
    refused, taken = (
        requests.post(f"{pipeline.address}{path}", json={"token": pipeline.issuer.signed(aud=aud)}, timeout=30)
        for aud in ("pypi", audience)
    )

    done = run(
        *("twine", "upload", "--repository-url", f"{pipeline.address}/legacy/", "--non-interactive"),
        *("-u", "__token__", "-p", taken.json()["token"], f"dist/{uploads.wheel_name()}"),
    )

    [reason] = [f"* `{each['code']}`: {each['description']}" for each in refused.json()["errors"]]
    assert (refused.ok, taken.ok) == (False, True)
    assert reason == "* `invalid-token`: The token is for another audience; it must be larder."
    assert done.returncode == 0, done.stdout + done.stderr
    assert Package.objects.get().releases[0].files[0].source.repository == "acme/rocket"


@pytest.mark.parametrize("pipeline", ["GITLAB_CI"], indirect=True)
def test_uv_publishes_from_gitlab(pipeline: Pipeline) -> None:
    package = project(pipeline.issuer)
    conditions = {
        "project_path": "acme/rocket",
        "ci_config_ref_uri": "gitlab.example.org/acme/rocket//.gitlab-ci.yml@*",
    }
    listed: dict[str, Any] = {"key": f"{pipeline.issuer.address} project_path=acme/rocket", "conditions": conditions}
    fields = {f"publishers.0.{name}": value for name, value in listed.items()}
    Package.objects.raw().update_one({"_id": package.pk}, {"$set": fields})

    code, said = pipeline.runs_uv()

    assert code == 0, said
    source = Package.objects.get().releases[0].files[0].source
    assert source.commit_url.startswith(f"{pipeline.issuer.address}/acme/rocket/-/commit/0123456789abcdef")
