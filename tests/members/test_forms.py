"""What keyboards and screen readers need of a form: each of the site's has it, empty and with what is wrong in it."""

import pytest
from bs4 import BeautifulSoup, Tag
from flask import Flask

from tests.accounts.every_form import FILLED_IN, FORMS, path_of, world
from tests.reading import one, page_of, words


def check(page: BeautifulSoup) -> list[Tag]:
    """Find the label of each field and whatever else it names; return the fields that are wrong."""
    ids = [str(each["id"]) for each in page.select("[id]")]
    assert len(ids) == len(set(ids))
    assert len(page.select("h1")) == 1
    fields = page.select("main form :is(input:not([type=hidden]), textarea, select)")
    for field in fields:
        assert words(one(page, f"label[for='{field['id']}']"))
        for described_by in str(field.get("aria-describedby", "")).split():
            assert words(one(page, f"[id='{described_by}']"))
        assert str(field.get("tabindex", "0")) == "0"
    return [field for field in fields if field.get("aria-invalid") == "true"]


# These stand on other pages.
BUTTONS = {"accounts.logout", "accounts.end_sessions", "accounts.revoke_token"}
BUTTONS |= {
    "accounts.new_recovery_codes",
    "accounts.remove_factor",
    "manage.unyank",
}
BUTTONS |= {"manage.revoke_invitation"}
BUTTONS |= {
    "manage.publish_session_now",
    "manage.cancel_session",
    "manage.extend_session",
    "manage.remove_from_session",
}


BUTTONS |= {
    "teams.revoke_token",
    "teams.revoke_invitation",
    "manage.revoke_token",
    "manage.remove_pending_publisher",
    "accounts.unwatch",
    "accounts.oidc_connect",
    "accounts.oidc_disconnect",
    "accounts.new_feed",
    "webhooks.change_hook",
    "webhooks.again",
}
# Whatever is left out is allowed here.
OPTIONAL = {"manage.readers", "teams.settings"}


@pytest.mark.parametrize("endpoint", [endpoint for endpoint in FORMS if endpoint not in BUTTONS])
def test_each_field_has_its_label_and_its_hint(app: Flask, endpoint: str) -> None:
    visitor, form = world(app, is_admin=True), FORMS[endpoint]
    path = path_of(app, form)
    if endpoint in ("accounts.register", "accounts.login"):
        visitor.press("/account", "/account/logout")

    page = page_of(visitor.get(path))

    assert check(page) == []


@pytest.mark.parametrize("endpoint", [endpoint for endpoint in FILLED_IN if endpoint not in OPTIONAL])
def test_what_is_wrong_belongs_to_its_field_and_is_said_above(app: Flask, endpoint: str) -> None:
    visitor, form = world(app, is_admin=True), FORMS[endpoint]
    path = path_of(app, form)

    page = page_of(visitor.post(path, data={"csrf_token": visitor.token("/account/profile")}), 400)

    wrong = check(page)
    assert wrong
    for field in wrong:
        assert f"{field['id']}-errors" in str(field["aria-describedby"]).split()
    assert "Please correct the errors below." in words(one(page, "[role=alert]"))
