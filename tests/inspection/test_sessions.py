"""Publishing sessions that were edited by hand are found, and end."""

from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskCliRunner

from tests.inspection.conftest import found
from webapp.documents import PublishingSession, User
from webapp.documents.base import utc_now

pytestmark = pytest.mark.real_server

EDITS: list[tuple[dict[str, Any], str]] = [
    ({"$set": {"state": "canceled"}}, "its state is canceled, but it reserves its version"),
    ({"$set": {"state": "published"}}, "its state is published, but it reserves its version"),
    ({"$set": {"state": "on hold"}}, "its state is on hold, but it reserves its version"),
    ({"$set": {"state": "on hold"}, "$unset": {"live_key": ""}}, "its state is on hold, which is unknown"),
    ({"$unset": {"expires_at": ""}}, "it does not say when it expires"),
]


@pytest.mark.parametrize(("edit", "what"), EDITS)
def test_session_edited_by_hand_is_found_and_ended(
    site_in_order: User, runner: FlaskCliRunner, edit: dict[str, Any], what: str
) -> None:
    session = PublishingSession(
        package="example", version="1.0", live_key="example/1", state="open", expires_at=utc_now() + timedelta(days=1)
    ).save()
    before = found()
    PublishingSession.objects.raw().update_one({"_id": session.pk}, edit)

    findings = found()
    mended = runner.invoke(args=["db", "repair"])

    assert before == []
    assert findings == [("publishing_sessions", session.pk, "session", what)]
    assert mended.exit_code == 0, mended.output
    assert found() == []
    session.reload()
    assert (session.live_key, session.is_live) == (None, False)
    assert session.forget_at > utc_now()


def test_session_inserted_by_hand_is_ended_too(site_in_order: User, runner: FlaskCliRunner) -> None:
    odd = {"_id": "by hand", "package": "example", "version": "1.0", "live_key": "example/1", "state": "canceled"}
    by_hand: Any = {"bypass_document_validation": True}
    PublishingSession.objects.raw().insert_one(odd, **by_hand)

    said = runner.invoke(args=["db", "repair"]).output

    assert "repaired: publishing_sessions  by hand  session  its state is canceled, but it reserves its version" in said
    assert "live_key" not in (PublishingSession.objects.raw().find_one() or {})
