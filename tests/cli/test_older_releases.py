"""`packages import --from-index --every-release`."""

import hashlib
import json
from typing import Any

from flask import Flask
from flask.testing import FlaskCliRunner

from tests.changes.pypi_documents import document, file
from tests.local_http import Answer, served

WHEEL_METADATA = b"Metadata-Version: 2.1\nName: example\nVersion: 1.1\nSummary: Of 1.1\n\n*of 1.1*\n"


def _older(version: str, **fields: Any) -> dict[str, Any]:
    return file(f"example-{version}-py3-none-any.whl", **fields)


def test_facts_of_older_releases_are_fetched_once_and_each_from_where_it_is_cheaper(
    app: Flask, runner: FlaskCliRunner
) -> None:
    answers: dict[str, Answer] = {}
    asked: list[str] = []
    with served(answers, asked) as url:
        wheel = f"{url}/files/example-1.1-py3-none-any.whl"
        digest = {"sha256": hashlib.sha256(WHEEL_METADATA).hexdigest()}
        releases = {
            "0.9": [],
            "1.0": [_older("1.0")],
            "1.1": [_older("1.1", url=wheel) | {"core-metadata": digest}],
            "1.2": [_older("1.2", url=f"{url}/gone.whl") | {"core-metadata": digest}],
            "1.3": [_older("1.3")],
            "2.0": [_older("2.0")],
        }
        newest = document(releases=releases, version="2.0", summary="Of 2.0") | {"last_serial": 7}
        answers["/pypi/example/json"] = Answer(body=json.dumps(newest).encode())
        answers["/files/example-1.1-py3-none-any.whl.metadata"] = Answer(body=WHEEL_METADATA)
        for version in ("1.0", "1.2"):
            older = document(releases=None, version=version, summary=f"Of {version}", description=f"*of {version}*")
            older = {"info": older["info"], "urls": releases[version], "last_serial": 7}
            answers[f"/pypi/example/{version}/json"] = Answer(body=json.dumps(older).encode())

        first = runner.invoke(args=["packages", "import", "--from-index", url, "example", "--every-release"])
        asked_first = list(asked)
        asked.clear()
        again = runner.invoke(args=["packages", "import", "--from-index", url, "example", "--every-release"])

    client = app.test_client()
    known = {version: client.get(f"/pypi/example/{version}/json").json for version in releases}
    assert {version: found["info"]["summary"] for version, found in known.items() if found} == {
        "0.9": "", "1.0": "Of 1.0", "1.1": "Of 1.1", "1.2": "Of 1.2", "1.3": "", "2.0": "Of 2.0",
    }  # fmt: skip
    assert "<em>of 1.1</em>" in client.get("/project/example/1.1/").text
    assert sorted(asked_first) == [
        "/files/example-1.1-py3-none-any.whl.metadata",
        "/gone.whl.metadata",
        "/pypi/example/1.0/json",
        "/pypi/example/1.2/json",
        "/pypi/example/1.3/json",
        "/pypi/example/json",
    ]
    assert first.stdout.endswith("What 3 older releases state was fetched; 1 failed.\n")
    assert "example 1.3: nothing known" in first.stderr
    assert first.exit_code == 1
    # It goes on with what is still unknown.
    assert asked == ["/pypi/example/json", "/pypi/example/1.3/json"]
    assert again.stdout.endswith("What 0 older releases state was fetched; 1 failed.\n")


def test_every_release_is_a_matter_of_another_index(app: Flask, runner: FlaskCliRunner) -> None:
    result = runner.invoke(args=["packages", "import", "--every-release", "folder"])

    assert (result.exit_code, "goes with --from-index" in result.output) == (2, True)
