"""Who an invitation is for."""

from datetime import timedelta

import bson
import pytest
from flask import Flask

from webapp.documents import Invitation, Team
from webapp.documents.base import utc_now

GRACE, OTHER = bson.ObjectId("6" * 24), bson.ObjectId("7" * 24)
HOUR = timedelta(hours=1)


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
    invitation = Invitation(invitation_id="1", invited_by=OTHER, expires_at=utc_now() + HOUR, **fields)
    Team(name="payments", invitations=[invitation]).save()

    assert bool(Team.objects.inviting(user_id, email_folded).count()) == is_invited


def test_invitation_that_has_expired_invites_nobody(app: Flask) -> None:
    kinds = [("over", GRACE, -HOUR), ("valid", OTHER, HOUR)]
    invitations = [
        Invitation(invitation_id=key, email="x@example.org", user_id=who, invited_by=OTHER, expires_at=utc_now() + left)
        for key, who, left in kinds
    ]
    Team(name="payments", invitations=invitations).save()

    assert [Team.objects.inviting(each, None).count() for each in (GRACE, OTHER)] == [0, 1]


@pytest.mark.parametrize(("username", "shown"), [("grace", "grace"), (None, "grace@example.org")])
def test_invitation_shows_what_was_typed(username: str | None, shown: str) -> None:
    assert Invitation(email="grace@example.org", username=username).shown == shown
