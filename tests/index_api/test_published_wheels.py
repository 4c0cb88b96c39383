"""`/pypi/NAME/VERSION/json` of published wheels says, field by field, what the METADATA of each says.

METADATA is read with the standard library's `email`, and not with the site's own parser.
"""

import re
import subprocess
import sys
import zipfile
from email import message_from_bytes
from email.message import Message
from email.utils import getaddresses
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.publishing import uploads

# Projects that changed much from one release to the other: requirements, licences, authors, where links stand.
RELEASES = {
    "attrs": ("17.1.0", "19.1.0", "21.4.0", "22.2.0", "24.2.0"),
    "click": ("6.7", "7.0", "8.0.0", "8.1.7", "8.2.0"),
    "jinja2": ("2.10", "2.11.3", "3.0.0", "3.1.2", "3.1.6"),
    "packaging": ("17.0", "20.0", "21.3", "23.2", "25.0"),
    "requests": ("2.19.0", "2.25.0", "2.28.0", "2.31.0", "2.32.3"),
}


@pytest.mark.thorough
@pytest.mark.parametrize("name", RELEASES)
def test_json_of_each_release_says_what_its_wheel_says(client: FlaskClient, name: str, tmp_path: Path) -> None:
    _, secret = uploads.publisher()
    stated = {version: _published(client, secret, name, version, tmp_path) for version in RELEASES[name]}

    for version, message in stated.items():
        info = (client.get(f"/pypi/{name}/{version}/json").json or {})["info"]
        expected = _expected(message)
        # An absent field is None, "" or an empty list, depending on the field.
        assert {field: info[field] or None for field in expected} == {
            field: value or None for field, value in expected.items()
        }, version


def _published(client: FlaskClient, secret: str, name: str, version: str, folder: Path) -> Message:
    """Download a wheel from PyPI, upload it, and return its METADATA."""
    wanted = ("--no-deps", "--only-binary=:all:", "--python-version=3.12", "--dest", str(folder), f"{name}=={version}")
    subprocess.run([sys.executable, "-m", "pip", "download", "--quiet", *wanted], check=True)
    wheel = next(path for path in folder.glob("*.whl") if path.name.lower().startswith(f"{name}-{version}-"))
    assert uploads.upload(client, secret, wheel.read_bytes(), wheel.name).status_code == 200
    with zipfile.ZipFile(wheel) as opened:
        metadata = next(each for each in opened.namelist() if each.endswith(".dist-info/METADATA"))
        return message_from_bytes(opened.read(metadata))


def _expected(message: Message) -> dict[str, Any]:
    """Return the fields of `info` that METADATA states, in Warehouse's shape."""
    texts = {
        "author_email": "Author-email",
        "maintainer_email": "Maintainer-email",
        "summary": "Summary",
        "home_page": "Home-page",
        "download_url": "Download-URL",
        "requires_python": "Requires-Python",
        "license_expression": "License-Expression",
        "description_content_type": "Description-Content-Type",
    }
    lists = {
        "classifiers": "Classifier",
        "requires_dist": "Requires-Dist",
        "provides_extra": "Provides-Extra",
        "license_files": "License-File",
        "dynamic": "Dynamic",
    }
    found: dict[str, Any] = {field: _known(message.get(header)) for field, header in texts.items()}
    found |= {field: message.get_all(header) for field, header in lists.items()}
    for field in ("author", "maintainer"):
        addressed = getaddresses([message.get(f"{field.title()}-email", "")])
        found[field] = _known(message.get(field.title())) or ", ".join(shown for shown, _ in addressed if shown)
    pairs = (each.split(",", 1) for each in message.get_all("Project-URL", []))
    found["project_urls"] = {label.strip(): url.strip() for label, url in pairs}
    found["keywords"] = ",".join(re.split(r"[,\s]+", message.get("Keywords", "")))
    found["license"] = _unfolded(_known(message.get("License")))
    found["platform"] = ",".join(filter(None, map(_known, message.get_all("Platform", []))))
    body = message.get_payload(decode=True)
    assert isinstance(body, bytes)
    found["description"] = body.decode()
    # Not the name: a project has one for all its releases, here as in Warehouse, and Click 7.0 is now called click.
    return found | {"version": message["Version"]}


def _known(text: str | None) -> str | None:
    # setuptools wrote this for whatever it was not told.
    return None if text == "UNKNOWN" else text


def _unfolded(text: str | None) -> str | None:
    return text and "\n".join(line.removeprefix("        ") for line in text.split("\n"))
