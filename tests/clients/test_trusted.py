"""pdm finds the token of its pipeline by itself, and publishes with it."""

from pathlib import Path

import pytest

from tests.clients.programs import Client, said
from tests.openid.issuers import AUDIENCE, as_json
from tests.trusted.test_tools import Pipeline, pipeline
from tests.trusted.test_views import project
from webapp.documents import ApiToken, Package

__all__ = ["pipeline"]  # a fixture

pytestmark = [pytest.mark.clients, pytest.mark.real_server]


@pytest.mark.parametrize("environment", ["release", "tests"])
def test_pdm_publishes_from_a_pipeline_that_the_project_trusts(
    pipeline: Pipeline, tmp_path: Path, environment: str
) -> None:
    project(pipeline.issuer)
    token = pipeline.issuer.signed(key="ec-second", environment=environment)
    pipeline.issuer.answers[f"/token?job=1&audience={AUDIENCE}"] = as_json({"value": token})
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "larder-probe"\nversion = "1.0"\n')

    url = f"{pipeline.address}/legacy/"
    client = Client("pdm==2.29.4", tmp_path)
    done = client.run("pdm", "publish", "--no-build", "--repository", url, "--ca-certs", pipeline.authority)

    is_trusted = environment == "release"
    assert (done.returncode == 0) == is_trusted, said(done)
    assert bool(Package.objects.get().releases) == bool(ApiToken.objects.count()) == is_trusted
    assert is_trusted or "Failed to get PyPI token via OIDC" in said(done)
