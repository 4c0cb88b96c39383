"""Files of another index that advisories affect are refused, where the operator wants that."""

from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from config import BadConfig
from tests import factories
from tests.live import Run, live
from tests.local_http import Answer
from tests.publishing import uploads
from tests.upstream.conftest import JSON, NAME, Other, configured, described
from webapp.upstream.refusing import from_config

NEWER = uploads.wheel(version="1.1")
NEWER_NAME = uploads.wheel_name(version="1.1")
HIGH: dict[str, Any] = {"database_specific": {"severity": "HIGH"}}
REASON = "This site refuses larder-probe 1.1, because GHSA-1 (high) affects it. It is fixed in 2.0."


@pytest.fixture
def affected(app: Flask, other: Other, monkeypatch: pytest.MonkeyPatch) -> Other:
    """The other index has two releases, and an advisory affects the newer one."""
    configured(app, monkeypatch, UPSTREAM_TIMEOUT_S=10)
    other.answers[f"/files/{NEWER_NAME}"] = Answer(body=NEWER)
    metadata = uploads.metadata("larder-probe", "1.1").encode()
    other.answers[f"/files/{NEWER_NAME}.metadata"] = Answer(body=metadata)
    newer = described(NEWER, NEWER_NAME, **{"core-metadata": {"sha256": uploads.sha256(metadata)}})
    other.lists(described(), newer, versions=["1.0", "1.1"])
    factories.advisory("GHSA-1", "larder-probe", introduced="1.1", aliases=["CVE-2026-1"], **HIGH)
    return other


def refusing(app: Flask, monkeypatch: pytest.MonkeyPatch, severity: str = "high", exceptions: str = "") -> None:
    """Let the site be as if it had been started with these settings."""
    settings = {"UPSTREAM_REFUSE_SEVERITY": severity, "UPSTREAM_REFUSE_EXCEPT": exceptions}
    monkeypatch.setitem(app.extensions, "refusals", from_config(settings))


def files(client: FlaskClient) -> dict[str, dict[str, Any]]:
    answer = client.get("/simple/larder-probe/", headers={"Accept": JSON})
    return {each["filename"]: each for each in (answer.json or {})["files"]}


def test_refused_file_is_listed_as_yanked_with_the_reason_and_not_sent(
    app: Flask, client: FlaskClient, affected: Other, monkeypatch: pytest.MonkeyPatch
) -> None:
    refusing(app, monkeypatch)

    listed = files(client)

    assert {name: file["yanked"] for name, file in listed.items()} == {NAME: False, NEWER_NAME: REASON}
    refused = client.get(listed[NEWER_NAME]["url"])
    assert (refused.status_code, refused.content_type) == (403, "application/problem+json")
    assert (refused.json or {})["detail"] == REASON
    assert client.get(listed[NAME]["url"]).get_data() == uploads.wheel(text=uploads.metadata(
        "larder-probe", "1.0", "Summary: Probes"))  # fmt: skip
    assert client.get(f"{listed[NEWER_NAME]['url']}.metadata").status_code == 200


def test_file_that_was_kept_before_is_refused_too(
    app: Flask, client: FlaskClient, affected: Other, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = files(client)[NEWER_NAME]["url"]
    assert client.get(address).get_data() == NEWER

    refusing(app, monkeypatch)

    assert client.get(address).status_code == 403


@pytest.mark.parametrize(
    ("severity", "exceptions"),
    [
        ("", ""),
        ("critical", ""),
        ("any", "GHSA-1"),
        ("any", "other, CVE-2026-1"),
        ("low", "Larder_Probe"),
        ("high", "larder.probe == 1.1.0"),
    ],
)
def test_nothing_is_refused_below_the_severity_or_by_exception(
    app: Flask, client: FlaskClient, affected: Other, monkeypatch: pytest.MonkeyPatch, severity: str, exceptions: str
) -> None:
    refusing(app, monkeypatch, severity, exceptions)

    listed = files(client)

    assert {file["yanked"] for file in listed.values()} == {False}
    assert client.get(listed[NEWER_NAME]["url"]).get_data() == NEWER


def test_exception_for_one_version_or_advisory_leaves_the_others_refused(
    app: Flask, client: FlaskClient, affected: Other, monkeypatch: pytest.MonkeyPatch
) -> None:
    factories.advisory("PYSEC-2", "larder-probe", fixed="1.2")
    refusing(app, monkeypatch, "any", "GHSA-1,larder-probe==1.0")

    listed = files(client)

    assert listed[NAME]["yanked"] is False
    assert listed[NEWER_NAME]["yanked"].endswith("because PYSEC-2 (unknown) affects it. It is fixed in 1.2.")


def test_withdrawn_advisories_refuse_nothing(
    app: Flask, client: FlaskClient, other: Other, monkeypatch: pytest.MonkeyPatch
) -> None:
    factories.advisory("GHSA-1", "larder-probe", withdrawn="2026-11-02T00:00:00Z", **HIGH)
    refusing(app, monkeypatch, "any")

    assert files(client)[NAME]["yanked"] is False


@pytest.mark.parametrize(
    ("severity", "exceptions", "why"),
    [
        ("severe", "", "UPSTREAM_REFUSE_SEVERITY is 'severe'; it can be any, low, medium, high, critical"),
        ("high", "jam==one", "'jam==one', whose version PEP 440 cannot parse"),
        ("high", "-==1", "'-==1', which is not a project and version"),
    ],
)
def test_settings_that_cannot_work_stop_the_start(severity: str, exceptions: str, why: str) -> None:
    with pytest.raises(BadConfig, match=why):
        from_config({"UPSTREAM_REFUSE_SEVERITY": severity, "UPSTREAM_REFUSE_EXCEPT": exceptions})


@pytest.mark.real_server
def test_pip_and_uv_choose_another_version_and_show_why_a_pinned_one_fails(
    app: Flask, affected: Other, monkeypatch: pytest.MonkeyPatch, run: Run, tmp_path: Path
) -> None:
    refusing(app, monkeypatch)
    with live(app) as address:
        index = ("--index-url", f"{address}/simple/")
        pip = ("pip", "install", "--no-cache-dir", "--no-deps", *index)
        uv = ("uv", "pip", "install", "--no-cache", "--no-deps", *index)
        free = [run(*pip, "--target", "pip", "larder-probe"), run(*uv, "--target", "uv", "larder-probe")]
        pinned = [run(*pip, "--target", "x", "larder-probe==1.1"), run(*uv, "--target", "x", "larder-probe==1.1")]

    assert [each.returncode for each in free] == [0, 0], free
    for folder in ("pip", "uv"):
        assert (tmp_path / folder / "larder_probe.py").read_text() == 'VERSION = "1.0"\n'
    assert all(each.returncode != 0 for each in pinned)
    # Both fold long lines at the width of the terminal, if they know it.
    assert all(REASON in " ".join((each.stdout + each.stderr).split()) for each in pinned), pinned
