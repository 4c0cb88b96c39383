"""Publishing sessions that were edited by hand are found, and end."""

from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskCliRunner

from tests.inspection.conftest import found
from webapp.documents import PublishingSession, SessionFile, User
from webapp.documents.base import utc_now

pytestmark = pytest.mark.real_server

BY_HAND: Any = {"bypass_document_validation": True}
EDITS: list[tuple[dict[str, Any], str]] = [
    ({"$set": {"state": "canceled"}}, "its state is canceled, but it reserves its version"),
    ({"$set": {"state": "published"}}, "its state is published, but it reserves its version"),
    ({"$set": {"state": "on hold"}}, "its state is on hold, but it reserves its version"),
    ({"$set": {"state": "on hold"}, "$unset": {"live_key": ""}}, "its state is on hold, which is unknown"),
    ({"$unset": {"expires_at": ""}}, "it lacks expires_at"),
    ({"$set": {"package": None, "version": 5, "stage_token": ""}}, "it lacks package, version, stage_token"),
    ({"$set": {"files.0.filename": None}}, "it lacks files.filename"),
    ({"$set": {"state": "publishing", "created_at": None}}, "it lacks created_at"),
]


def of_sessions() -> list[Any]:
    """What this rule finds; null where text belongs breaks the rule of shapes, too."""
    return [each for each in found() if each[2] == "session"]


@pytest.mark.parametrize(("edit", "what"), EDITS)
def test_session_edited_by_hand_is_found_and_ended(
    site_in_order: User, runner: FlaskCliRunner, edit: dict[str, Any], what: str
) -> None:
    session = PublishingSession(
        package="example",
        version="1.0",
        live_key="example/1",
        state="open",
        stage_token="token",
        created_at=utc_now(),
        expires_at=utc_now() + timedelta(days=1),
        files=[SessionFile(filename="example-1.0.tar.gz", state="pending")],
    ).save()
    before = of_sessions()
    PublishingSession.objects.raw().update_one({"_id": session.pk}, edit, **BY_HAND)

    findings = of_sessions()
    mended = runner.invoke(args=["db", "repair"])

    assert before == []
    assert findings == [("publishing_sessions", session.pk, "session", what)]
    assert f"session  {what}\n1 repaired" in mended.output
    assert of_sessions() == []
    ended = PublishingSession.objects.declared_first()
    assert (ended.live_key, ended.is_live) == (None, False)
    assert ended.forget_at > utc_now()


def test_session_inserted_by_hand_is_ended_too(site_in_order: User, runner: FlaskCliRunner) -> None:
    odd = {"_id": "by hand", "package": "example", "version": "1.0", "live_key": "example/1", "state": "canceled"}
    PublishingSession.objects.raw().insert_one(odd, **BY_HAND)

    said = runner.invoke(args=["db", "repair"]).output

    assert "repaired: publishing_sessions  by hand  session  its state is canceled, but it reserves its version" in said
    assert "live_key" not in (PublishingSession.objects.raw().find_one() or {})
