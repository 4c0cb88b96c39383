"""Who an invitation is for."""

import bson
import pytest
from flask import Flask

from webapp.documents import Invitation, Team
from webapp.documents.base import utc_now

GRACE, OTHER = bson.ObjectId("6" * 24), bson.ObjectId("7" * 24)


@pytest.mark.parametrize(
    ("user_id", "email_folded", "is_invited"),
    [
        (GRACE, None, True),
        (GRACE, "else@example.org", True),
        (OTHER, "grace@example.org", True),
        (OTHER, None, False),
        (OTHER, "else@example.org", False),
    ],
)
def test_account_is_invited_itself_or_by_its_address(
    app: Flask, user_id: bson.ObjectId, email_folded: str | None, *, is_invited: bool
) -> None:
    fields = {"email": "Grace@example.org", "email_folded": "grace@example.org", "user_id": GRACE}
    invitation = Invitation(invitation_id="1", invited_by=OTHER, expires_at=utc_now(), **fields)
    Team(name="payments", invitations=[invitation]).save()

    assert bool(Team.objects.inviting(user_id, email_folded).count()) == is_invited


@pytest.mark.parametrize(("username", "shown"), [("grace", "grace"), (None, "grace@example.org")])
def test_invitation_shows_what_was_typed(username: str | None, shown: str) -> None:
    assert Invitation(email="grace@example.org", username=username).shown == shown
