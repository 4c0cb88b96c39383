"""The audit log says who did what, to what, and from where."""

from datetime import timedelta

import pytest
from flask import Flask

from tests import factories
from webapp.documents import AuditEvent
from webapp.members import audit


def test_act_at_the_command_line_has_no_address_and_goes_when_its_time_has_come(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(app.config, "AUDIT_DAYS", 7)
    ada = factories.user("Ada")

    audit.record(audit.PASSWORD, "Changed.", user=ada)

    event = AuditEvent.objects.get()
    assert (event.kind, event.description, event.actor_name) == ("password", "Changed.", "command line")
    assert (event.actor_id, event.user_id, event.target) == (None, ada.id, "user Ada")
    assert (event.ip_address, event.user_agent) == (None, None)
    assert event.expires_at - event.created_date == timedelta(days=7)


def test_act_of_a_request_has_its_address_and_the_start_of_its_browsers_name(app: Flask) -> None:
    headers, environ = {"User-Agent": "x" * 300}, {"REMOTE_ADDR": "192.0.2.1"}
    with app.test_request_context("/", headers=headers, environ_base=environ):
        audit.record(audit.SIGN_IN_FAILED, "No.", target="nobody")
        assert audit.where() == {"ip_address": "192.0.2.1", "user_agent": "x" * 200}

    event = AuditEvent.objects.get()
    assert (event.actor_name, event.target, event.user_id) == ("not signed in", "nobody", None)
    assert (event.ip_address, event.user_agent) == ("192.0.2.1", "x" * 200)


def test_actor_may_be_another_than_the_account(app: Flask) -> None:
    ada, grace = factories.user("Ada"), factories.user("Grace")

    audit.record(audit.ADMINISTRATION, "Disabled.", user=ada, by=grace)

    event = AuditEvent.objects.get()
    assert (event.actor_id, event.actor_name, event.target) == (grace.id, "Grace", "user Ada")
