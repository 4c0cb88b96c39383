"""What others are told of a change in the journal."""

from typing import Any

import pytest
from flask import Flask

from tests.factories import A_DAY
from webapp.telling.events import event_of


def told(action: str, **fields: Any) -> tuple[str, str, dict[str, Any]] | None:
    """The type, the kind and the data of the event that an entry becomes."""
    event = event_of({"serial": 7, "package": "example", "action": action, "at": A_DAY, **fields})
    return event and (event.type, event.kind, event.data)


@pytest.mark.parametrize(
    ("action", "fields", "event_type", "kind", "said"),
    [
        ("new project", {"version": "1.0"}, "release.published", "release", {"version": "1.0"}),
        ("new release", {"version": "1.1"}, "release.published", "release", {"version": "1.1"}),
        ("new file", {"filename": "a"}, "release.file_added", "release", {"filename": "a"}),
        ("new file", {"note": "published by a/b"}, "release.file_added", "release", {"publisher": "a/b"}),
        ("add publisher", {"note": "a/b"}, "publisher.added", "role", {"publisher": "a/b"}),
        ("remove publisher", {"note": "a/b"}, "publisher.removed", "role", {"publisher": "a/b"}),
        ("yank release", {"note": "broken"}, "release.yanked", "yank", {"reason": "broken"}),
        ("unyank release", {}, "release.unyanked", "yank", {}),
        ("remove file", {"filename": "a"}, "release.file_deleted", "deletion", {"filename": "a"}),
        ("remove release", {}, "release.deleted", "deletion", {}),
        ("remove project", {}, "project.deleted", "deletion", {}),
        ("mark archived", {}, "project.status_changed", "status", {"status": "archived"}),
        ("end quarantine", {}, "project.quarantine_ended", "status", {}),
        ("add owner", {"note": "Eve"}, "role.added", "role", {"role": "owner", "person": "Eve"}),
        ("make maintainer", {"note": "Eve"}, "role.changed", "role", {"role": "maintainer", "person": "Eve"}),
        ("make team owner", {"note": "Crew"}, "role.changed", "role", {"role": "owner", "team": "Crew"}),
        ("remove owner", {"note": "Eve"}, "role.removed", "role", {"role": "owner", "person": "Eve"}),
    ],
)  # fmt: skip
def test_change_becomes_an_event(
    app: Flask, action: str, fields: dict[str, str], event_type: str, kind: str, said: dict[str, str]
) -> None:
    with app.test_request_context():
        found = told(action, actor_name="Ada", **fields)

    version = f"{fields['version']}/" if "version" in fields else ""
    link = f"http://localhost/project/example/{version}"
    assert found == (event_type, kind, {"project": "example", **said, "by": "Ada", "url": link})


@pytest.mark.parametrize("action", ["invite owner", "revoke invitation", "change signers", ""])
def test_nobody_is_told_of_invitations_and_signers(app: Flask, action: str) -> None:
    with app.test_request_context():
        assert told(action) is None


def test_site_that_does_not_know_its_address_sends_no_link(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(app.config, "LOOPBACK_URL", "")

    with app.test_request_context():
        assert told("remove project") == ("project.deleted", "deletion", {"project": "example"})


def test_nobody_is_told_of_an_entry_without_a_date(app: Flask) -> None:
    with app.test_request_context():
        assert event_of({"serial": 7, "package": "example", "action": "new release", "version": "1.0"}) is None
