"""What docs/publishing.md tells people to paste into their pipelines works as it is printed."""

import re
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.openid.issuers import AUDIENCE
from tests.publishing import uploads
from tests.trusted.test_tools import GITLAB_CLAIMS, Pipeline, pipeline
from tests.trusted.test_views import project
from webapp.changes.publishers import new_publisher
from webapp.documents import Package, User
from webapp.rules.publishers import key_of

__all__ = ["pipeline"]  # a fixture

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "publishing.md"
SITE = "https://packages.example.org"
JENKINS = "https://jenkins.example.org/job/rocket/"

# A build backend that needs nothing: the sdist holds what builds the wheel, which is there already.
BACKEND = f"""
import pathlib, shutil, tarfile

def build_wheel(folder, *_):
    shutil.copy("wheel", pathlib.Path(folder) / {uploads.wheel_name()!r})
    return {uploads.wheel_name()!r}

def build_sdist(folder, *_):
    with tarfile.open(pathlib.Path(folder) / {uploads.sdist_name()!r}, "w:gz") as archive:
        for name in ("PKG-INFO", "pyproject.toml", "backend.py", "wheel"):
            archive.add(name, "larder_probe-1.0/" + name)
    return {uploads.sdist_name()!r}
"""


def snippets() -> list[str]:
    """The blocks of code about trusted publishing, without their indentation."""
    section = DOCUMENT.read_text().split("\n## Trusted publishing\n")[1].split("\n## ")[0]
    blocks = re.findall(r"(?:^(?: {4,}.*)?\n)+", section, re.MULTILINE)
    return [re.sub(r"^ {4}", "", block, flags=re.MULTILINE).strip("\n") for block in blocks if block.strip()]


def snippet(part: str) -> str:
    """The only block with this text in it."""
    [found] = [each for each in snippets() if part in each]
    return found


def run(script: str, pipeline: Pipeline, folder: Path, **variables: str) -> "subprocess.CompletedProcess[str]":
    """Run the lines of a pipeline in a shell, in a folder with a project that can be built without a network."""
    (folder / "pyproject.toml").write_text(
        '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
        '[project]\nname = "larder-probe"\nversion = "1.0"\n'
    )
    (folder / "wheel").write_bytes(uploads.wheel())
    (folder / "PKG-INFO").write_text(uploads.metadata("larder-probe", "1.0"))
    (folder / "backend.py").write_text(BACKEND)
    path = f"{sysconfig.get_path('scripts')}:/usr/bin:/bin"
    given = {"SSL_CERT_FILE": pipeline.authority, "CURL_CA_BUNDLE": pipeline.authority, "NO_PROXY": "localhost"}
    given |= {"PATH": path, "HOME": str(folder), "UV_NO_CACHE": "1", "UV_PYTHON": sys.executable}
    return subprocess.run(
        ["/bin/sh", "-xe", "-c", script.replace(SITE, pipeline.address)],
        cwd=folder,
        env=given | variables,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def test_workflow_of_github_may_ask_for_a_token() -> None:
    workflow: dict[str, Any] = yaml.safe_load(snippet("astral-sh/setup-uv"))

    job = workflow["jobs"]["publish"]
    assert job["permissions"] == {"id-token": "write", "contents": "read"}
    assert job["environment"] == "release"
    assert f"uv publish --trusted-publishing always --publish-url {SITE}/legacy/" in [
        step.get("run") for step in job["steps"]
    ]


def test_step_for_pypi_is_told_the_address() -> None:
    [step] = yaml.safe_load(snippet("pypa/gh-action-pypi-publish"))

    assert step["with"] == {"repository-url": f"{SITE}/legacy/"}


@pytest.mark.real_server
@pytest.mark.parametrize("pipeline", ["GITLAB_CI"], indirect=True)
def test_job_of_gitlab_publishes(pipeline: Pipeline, tmp_path: Path) -> None:
    job: dict[str, Any] = yaml.safe_load(snippet("id_tokens"))["publish"]
    workflow = "gitlab.example.org/acme/rocket//.gitlab-ci.yml@*"
    _trusts(pipeline, project_path="acme/rocket", ci_config_ref_uri=workflow)
    [(variable, token)] = job["id_tokens"].items()

    signed = pipeline.issuer.signed(key="ec-second", **GITLAB_CLAIMS | token)
    done = run("\n".join(job["script"]), pipeline, tmp_path, GITLAB_CI="true", **{variable: signed})

    assert token == {"aud": AUDIENCE}
    assert done.returncode == 0, done.stderr
    assert len(Package.objects.get().releases[0].files) == 2


@pytest.mark.real_server
@pytest.mark.parametrize(
    ("claims", "said"), [({}, ""), ({"sub": "https://jenkins.example.org/job/other/"}, "No project has a trusted")]
)
def test_step_of_jenkins_publishes_or_prints_the_reason(
    pipeline: Pipeline, tmp_path: Path, claims: dict[str, str], said: str
) -> None:
    [script] = re.findall(r"sh '''\n(.*)'''", snippet("withCredentials"), re.DOTALL)
    _trusts(pipeline, sub=JENKINS)
    said_by_jenkins: dict[str, Any] = {"repository": None, "sub": JENKINS} | claims
    token = pipeline.issuer.signed(**said_by_jenkins)

    # Jenkins runs `sh -xe` and logs each command. Groovy would take backslashes out of the script.
    done = run(f"uv build\n{script}", pipeline, tmp_path, ID_TOKEN=token)

    assert "\\" not in script
    assert said in done.stderr
    assert (done.returncode != 0) == bool(said), done.stderr
    assert "larder-" not in done.stderr.replace("larder-probe", "")
    assert bool(Package.objects.get().releases) != bool(said)


def _trusts(pipeline: Pipeline, **conditions: str) -> None:
    """Let the pipeline with these claims publish the project."""
    package = project(pipeline.issuer)
    key = key_of(pipeline.issuer.address, conditions)
    assert key
    package.publishers = [new_publisher(pipeline.issuer.address, key, conditions, User.objects.get())]
    package.save()
