"""The pages of webhooks, for owners of a project and for administrators."""

from typing import Any

import pytest
from flask import Flask

from tests import factories
from tests.people import Browser, browser, errors, member, signed_in
from tests.reading import one, page_of, words
from tests.telling.conftest import SECRET
from webapp import telling
from webapp.documents import AuditEvent, Maintainer, User, Webhook, WebhookMessage
from webapp.documents.base import utc_now

OURS = "/manage/example/webhooks"
URL = "https://ci.example.org/told"


@pytest.fixture
def ada(app: Flask) -> Browser:
    """Ada, who owns the project Example; Grace maintains it."""
    found = signed_in(app)
    grace = member("Grace")
    people = [(User.objects.get(email="ada@example.org"), "owner"), (grace, "maintainer")]
    factories.package(maintainers=[Maintainer(user_id=who.id, name=who.name, role=role) for who, role in people])
    return found


def stored(**fields: Any) -> str:
    """The id of a webhook of the project Example."""
    values = {"project": "example", "url": URL, "kinds": ["release"], "secret": SECRET, "created_at": utc_now()}
    hook = Webhook(**values | fields)
    hook.save()
    return str(hook.id)


def test_owner_creates_a_webhook_and_sees_its_secret_once(ada: Browser) -> None:
    answer = ada.send(f"{OURS}/new", url=URL, release="y", advisory="y")

    hook = Webhook.objects.get()
    assert (hook.project, hook.url, hook.kinds) == ("example", URL, ["release", "advisory"])
    assert hook.secret in answer.text
    assert hook.secret not in ada.get(f"{OURS}/{hook.id}").text
    assert URL in ada.get(OURS).text
    assert AuditEvent.objects.newest().first().description == f"Created a webhook to {URL}."


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("ftp://ci.example.org/", "Enter an address that starts with https:// or http://, without a user name."),
        ("https://ada:secret@ci.example.org/", "Enter an address that starts with https:// or http://, without"),
        ("https://", "Enter an address that starts with https:// or http://, without a user name."),
        ("https://[::1/", "Enter an address that starts with https:// or http://, without a user name."),
        ("https://ci.example.org:99999/", "Enter an address that starts with https:// or http://, without"),
        ("https://ci.example.org/a b", "Use ASCII characters without spaces."),
        ("http://169.254.169.254/latest", "This address is private, and WEBHOOK_PRIVATE_HOSTS does not list it."),
        ("http://localhost:8080/", "This address is private, and WEBHOOK_PRIVATE_HOSTS does not list it."),
        ("https://ci.example.org/" + "a" * 500, "Use at most 500 characters."),
    ],
)
def test_address_that_cannot_be_used_is_refused(ada: Browser, url: str, problem: str) -> None:
    answer = ada.send(f"{OURS}/new", url=url, release="y")

    assert errors(answer)["url"].startswith(problem)
    assert Webhook.objects.count() == 0


def test_new_address_waits_with_the_slow_ones_until_it_has_answered(ada: Browser) -> None:
    ada.send(f"{OURS}/new", url=URL, release="y")
    hook = Webhook.objects.get()
    is_slow = [hook.is_slow]

    for url in (URL, f"{URL}/again"):
        hook.update(is_slow=False)
        ada.send(f"{OURS}/{hook.id}/edit", url=url, release="y")
        is_slow.append(hook.reload().is_slow)

    assert is_slow == [True, False, True]


def test_private_host_that_the_operator_lists_may_be_used(
    app: Flask, ada: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(app.config, "WEBHOOK_PRIVATE_HOSTS", " 10.0.0.7, CI.internal ")
    telling.init_app(app)

    ada.send(f"{OURS}/new", url="http://10.0.0.7/told", release="y")

    assert Webhook.objects.get().url == "http://10.0.0.7/told"
    app.config["PRIVATE_WEBHOOK_HOSTS"] = frozenset()


def test_webhook_without_events_is_refused(ada: Browser) -> None:
    answer = ada.send(f"{OURS}/new", url=URL)

    assert errors(answer) == {"release": "Choose at least one kind of event."}


def test_number_of_webhooks_is_limited(ada: Browser) -> None:
    for _ in range(10):
        stored()

    answer = ada.send(f"{OURS}/new", url=URL, release="y")

    assert errors(answer)["url"].startswith("There can be at most 10 webhooks.")


def test_owner_changes_a_webhook(ada: Browser) -> None:
    hook_id = stored()

    ada.send(f"{OURS}/{hook_id}/edit", url="https://new.example.org/", role="y")
    ada.press(f"{OURS}/{hook_id}", f"{OURS}/{hook_id}/switch-off")

    hook = Webhook.objects.get()
    assert (hook.url, hook.kinds, hook.is_off) == ("https://new.example.org/", ["role"], True)


def test_new_secret_is_used_with_the_old_one_for_a_day(ada: Browser) -> None:
    hook_id = stored()

    answer = ada.press(f"{OURS}/{hook_id}", f"{OURS}/{hook_id}/new-secret")

    hook = Webhook.objects.get()
    assert hook.secret in answer.text
    assert hook.secret != SECRET
    assert hook.old_secret == SECRET
    assert hook.old_secret_until > utc_now()


def test_log_shows_messages_and_sends_one_again(ada: Browser) -> None:
    hook_id = stored()
    ada.press(f"{OURS}/{hook_id}", f"{OURS}/{hook_id}/test")
    sent = WebhookMessage.objects.get()
    tries = [{"at": utc_now(), "status": 500, "took_ms": 12}, {"at": utc_now(), "problem": "it cannot be reached"}]
    sent.update(__raw__={"$set": {"state": "failed", "tries": tries}})
    address = f"{OURS}/{hook_id}/messages/{sent.id}"

    log, shown = (words(one(page_of(ada.get(each)), "main")) for each in (f"{OURS}/{hook_id}", address))
    ada.press(address, f"{address}/again")

    assert "webhook.test example failed" in log
    assert "HTTP 500" in shown
    assert "It cannot be reached" in shown
    assert '"by":"Ada Lovelace"' in shown
    assert WebhookMessage.objects.get().state == "waiting"


def test_owner_deletes_a_webhook_with_its_messages(ada: Browser) -> None:
    hook_id = stored()
    ada.press(f"{OURS}/{hook_id}", f"{OURS}/{hook_id}/test")

    ada.press(f"{OURS}/{hook_id}", f"{OURS}/{hook_id}/delete")

    assert Webhook.objects.count() == WebhookMessage.objects.count() == 0


def test_maintainers_strangers_and_other_projects_see_nothing(app: Flask, ada: Browser) -> None:
    hook_id = stored()
    factories.package("Other", maintainers=[Maintainer(user_id=User.objects.get(name="Ada Lovelace").id, role="owner")])
    grace = browser(app)
    grace.sign_in("grace@example.org")

    assert grace.get(OURS).status_code == 403
    assert ada.get("/admin/webhooks").status_code == 403
    assert ada.get(f"/manage/other/webhooks/{hook_id}").status_code == 404
    assert ada.get("/manage/missing/webhooks").status_code == 404
    assert ada.get(f"{OURS}/{hook_id}/messages/msg_1").status_code == 404
    assert browser(app).get(OURS).status_code == 302


def test_administrator_creates_a_webhook_of_the_site(app: Flask) -> None:
    admin = signed_in(app, is_admin=True)

    admin.send("/admin/webhooks/new", url=URL, release="y")

    hook = Webhook.objects.get()
    assert hook.project is None
    assert URL in admin.get("/admin/webhooks").text
    assert admin.get(f"/admin/webhooks/{hook.id}").status_code == 200


def test_pages_of_webhooks_stand_under_the_settings_of_their_project(ada: Browser) -> None:
    hook_id = stored()

    for address in (OURS, f"{OURS}/new", f"{OURS}/{hook_id}"):
        current = one(page_of(ada.get(address)), ".admin-nav [aria-current]")
        assert (words(current), current["aria-current"]) == ("Settings", "true")
