"""What is odd in a publishing session, and how it differs from the latest release."""

import pytest
from flask.testing import FlaskClient

from tests.publishing import uploads
from tests.publishing.staging import add, opened, stored
from tests.publishing.test_file_uploads import client_of
from tests.publishing.uploads import metadata, sdist, sdist_name, wheel, wheel_name
from webapp.manage.session_review import review


@pytest.fixture
def secret(client: FlaskClient) -> str:
    """The token of a member, who has published larder-probe 0.9."""
    secret = uploads.publisher()[1]
    text = metadata("larder-probe", "0.9", "Summary: Old", "Requires-Dist: click>=7", description="# One\n\nSame")
    for content, name in ((wheel(version="0.9", text=text), wheel_name(version="0.9")),):
        assert uploads.upload(client, secret, content, name).status_code == 200
    return secret


def test_differences_from_the_latest_release(client: FlaskClient, secret: str) -> None:
    session = opened(client, secret)
    text = metadata("larder-probe", "1.0", "Summary: New", "Requires-Dist: click>=8", description="# Two\n\nSame")
    add(client, secret, session, wheel(text=text))

    found = review(stored(session))

    assert found["compared_with"] == "0.9"
    assert found["facts"] == [{"label": "Summary", "before": "Old", "after": "New"}]
    assert found["requirements"]["changed"] == [{"before": "click>=7", "after": "click>=8"}]
    assert [each["text"] for each in found["description"] if each["kind"] != "same"] == ["# One", "# Two"]
    assert [row["filename"] for row in found["files"]] == [wheel_name()]
    assert found["odd"] == ["There is no source distribution."]


def test_what_is_worth_a_look(client: FlaskClient, secret: str) -> None:
    uploads.upload(client, secret, sdist(version="0.9"), sdist_name(version="0.9"))
    session = opened(client, secret, version="0.8")
    text = metadata("larder-probe", "0.8", "Requires-Dist: click", "Summary: One")
    other = metadata("larder-probe", "0.8", "Requires-Dist: flask", "Summary: One")
    big = wheel(version="0.8", text=text, extra={"big.py": "#" * 5000})
    add(client, secret, session, big, wheel_name(version="0.8"))
    add(client, secret, session, wheel(version="0.8", text=other), "larder_probe-0.8-py2-none-any.whl")

    odd = review(stored(session))["odd"]

    assert odd[:3] == [
        "There is no source distribution.",
        "0.8 is older than the latest release, 0.9.",
        "The files state different things about: requires dist.",
    ]
    assert "0.9 has a file that this release has no counterpart of: larder_probe-0.9.tar.gz" in odd[3:]
    assert any(each.startswith(f"{wheel_name(version='0.8')} has {len(big):,} bytes; in 0.9 it had") for each in odd)


def test_first_release_is_compared_with_nothing(client: FlaskClient, secret: str) -> None:
    session = opened(client, secret, "new-probe")
    add(client, secret, session, wheel("new-probe"), wheel_name("new-probe"))
    add(client, secret, session, sdist("new-probe"), sdist_name("new-probe"))

    found = review(stored(session))

    assert (found["compared_with"], found["odd"]) == (None, [])


def test_session_without_complete_files_is_compared_with_nothing(client: FlaskClient, secret: str) -> None:
    session = opened(client, secret)
    empty = review(stored(session))
    client_of(client, secret, session).announce(wheel_name(), wheel())

    pending = review(stored(session))

    assert (empty["compared_with"], empty["odd"]) == (None, [])
    assert pending["compared_with"] is None
    assert pending["odd"][0] == f"{wheel_name()} has not arrived completely."


def test_warnings_are_told_by_file(client: FlaskClient, secret: str) -> None:
    session = opened(client, secret)
    add(client, secret, session, wheel(text=metadata().replace("2.1", "2.0")))

    assert review(stored(session))["warnings"][wheel_name()] == ["Metadata: '2.0' is not a valid metadata version."]
