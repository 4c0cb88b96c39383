"""What the tests of administration share."""

import pytest
from flask import Flask

from tests.people import Browser, signed_in
from webapp.documents import AuditEvent


@pytest.fixture
def admin(app: Flask) -> Browser:
    """Grace, an administrator, in her browser."""
    return signed_in(app, "Grace Hopper", is_admin=True)


def acts() -> list[tuple[str, str, str]]:
    """What administrators did: who, what, and to what."""
    events = AuditEvent.objects.of_kind("administration").order_by("pk")
    return [(event.actor_name, event.description, event.target) for event in events]
