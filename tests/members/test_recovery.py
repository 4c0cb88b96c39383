"""Who gets a link to a new password."""

import pytest
from flask import Flask

from tests import factories
from tests.people import link_in, outbox
from webapp.documents import AuditEvent
from webapp.members import recovery


@pytest.mark.parametrize(
    ("asked", "fields", "is_sent"),
    [
        ("ada@example.org", {"email": "ada@example.org"}, True),
        ("ADA@example.org", {"email": "ada@example.org", "hashed_password": None}, True),
        ("ada@example.org", {"email": "ada@example.org", "is_disabled": True}, False),
        ("ada", {"email": "ada@example.org", "username": "ada"}, False),
        ("grace@example.org", {"email": "ada@example.org"}, False),
    ],
)
def test_link_goes_to_an_address_whose_account_is_not_disabled(
    app: Flask,
    monkeypatch: pytest.MonkeyPatch,
    asked: str,
    fields: dict[str, object],
    is_sent: bool,  # noqa: FBT001 - a parametrized value
) -> None:
    factories.user("Ada", **fields)

    with app.test_request_context("/"):
        recovery.send_link(asked)

    assert [mail.to for mail in outbox(app)] == ([["ada@example.org"]] if is_sent else [])
    assert AuditEvent.objects.count() == int(is_sent)
    if is_sent:
        assert link_in(outbox(app)[0]).startswith("/account/reset/")


@pytest.mark.parametrize(
    ("template", "said"),
    [("welcome", "The link to choose a first password was sent."), ("reset", "A password reset link was sent.")],
)
def test_audit_log_says_which_link_it_was(app: Flask, template: str, said: str) -> None:
    user = factories.user("Ada", email="ada@example.org")

    with app.test_request_context("/"):
        recovery.send_link_to(user, template, "Subject", by="Grace")

    assert [each.description for each in AuditEvent.objects] == [said]
