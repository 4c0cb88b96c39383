"""Delivering messages, trying again, and not waiting for slow receivers."""

import threading
import time
from datetime import timedelta

import orjson
import pytest
from flask import Flask

from tests import factories
from tests.clocks import clock_ahead
from tests.local_http import Receiver, receiving
from tests.telling.conftest import deliver_all, tell_all, wait_until_due, webhook
from webapp.changes.withdrawing import yank
from webapp.documents import Maintainer, Package, Webhook, WebhookMessage
from webapp.documents.base import utc_now
from webapp.rules.naming import normalize_name
from webapp.telling import delivering, posting
from webapp.telling.delivering import Line, deliver
from webapp.telling.outbox import send_again, send_test
from webapp.telling.teller import tell


def yanked(name: str = "Example") -> None:
    """Let Ada yank a release."""
    ada = factories.user("Ada Lovelace")
    factories.package(name, maintainers=[Maintainer(user_id=ada.id, name=ada.name, role="owner")])
    yank(normalize_name(name), "1.0", "It is broken", ada)


def message() -> WebhookMessage:
    return WebhookMessage.objects.get()


def test_message_arrives_signed(receiver: Receiver) -> None:
    hook = webhook(f"{receiver.address}/told", kinds=["yank"])

    yanked()
    tell_all()

    [posted] = receiver.got
    serial = Package.objects.get().last_serial
    assert posted.path == "/told"
    assert posted.headers["Content-Type"] == "application/json"
    assert posted.headers["webhook-id"] == f"msg_{serial}_{hook.id}"
    assert posted.headers["webhook-signature"].startswith("v1,")
    assert abs(int(posted.headers["webhook-timestamp"]) - time.time()) < 5
    body = orjson.loads(posted.body)
    assert body["type"] == "release.yanked"
    assert body["timestamp"].endswith("Z")
    assert body["data"] == {
        "project": "example",
        "version": "1.0",
        "reason": "It is broken",
        "by": "Ada Lovelace",
        "url": "http://localhost/project/example/1.0/",
    }
    assert (message().state, message().tries[0].status) == ("delivered", 200)


@pytest.mark.parametrize("status", [301, 302, 400, 500])
def test_anything_but_success_is_tried_again_later(receiver: Receiver, status: int) -> None:
    webhook(receiver.address)
    receiver.status = status
    yanked()

    tell_all()
    deliver_all()

    assert len(receiver.got) == 1  # there are two messages, but after a failure the webhook rests
    assert {each.state for each in WebhookMessage.objects} == {"waiting"}
    assert {each.path for each in receiver.got} == {"/"}


def test_same_id_is_sent_each_time_until_it_arrives(receiver: Receiver) -> None:
    webhook(receiver.address, kinds=["yank"])
    receiver.status = 503
    yanked()
    tell_all()
    receiver.status = 204

    wait_until_due()
    deliver_all()

    assert len({posted.headers["webhook-id"] for posted in receiver.got}) == 1
    assert [each.status for each in message().tries] == [503, 204]
    assert message().state == "delivered"
    assert Webhook.objects.get().failures == 0


def test_pauses_grow_until_a_day_is_over(receiver: Receiver) -> None:
    webhook(receiver.address, kinds=["yank"])
    receiver.status = 500
    yanked()
    tell_all()
    pauses = []

    for _ in range(20):
        if message().state != "waiting":
            break
        pauses.append(round((message().due_at - utc_now()).total_seconds(), -1))
        wait_until_due()
        deliver_all()

    assert pauses == [0, 60, 300, 1800, 3600, 7200, 14400, 28800, 28800]
    assert 23 * 3600 < sum(delivering.PAUSES_S) < 24 * 3600
    assert message().state == "failed"
    assert len(receiver.got) == 10


def test_message_can_be_sent_again(receiver: Receiver) -> None:
    webhook(receiver.address, kinds=["yank"])
    receiver.status = 500
    yanked()
    tell_all()
    WebhookMessage.objects.update(state="failed", since=utc_now() - timedelta(days=2))
    Webhook.objects.raw().update_many({}, {"$unset": {"rest_until": ""}})
    receiver.status = 200

    send_again(WebhookMessage.objects.plain()[0])
    deliver_all()

    assert [each.status for each in message().tries] == [500, 200]
    assert message().state == "delivered"


def test_receiver_that_is_gone_ends_the_webhook(receiver: Receiver) -> None:
    hook = webhook(receiver.address)
    receiver.status = 410
    send_test(Webhook.objects.plain()[0], "Ada")

    deliver_all()
    yanked()
    tell_all()

    hook.reload()
    assert hook.is_off
    assert len(receiver.got) == 1
    assert message().state == "failed"


def test_private_address_is_not_asked_unless_the_operator_allows_it(
    app: Flask, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(app.config, "PRIVATE_WEBHOOK_HOSTS", frozenset(["intranet.example.org"]))
    webhook(receiver.address, kinds=["yank"])
    yanked()

    tell_all()

    assert receiver.got == []
    assert message().tries[0].problem == "its address is private, and WEBHOOK_PRIVATE_HOSTS does not list it"


def test_dead_receivers_do_not_delay_the_others(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(posting, "TIMEOUT_S", 1)
    with receiving() as dead:
        dead.delay_s = 3.0
        for _ in range(3):
            webhook(dead.address, is_slow=True, failures=3)
        webhook(receiver.address)
        yanked()
        tell()
        started = time.monotonic()

        while deliver(Line(is_slow=False)):
            pass

        assert time.monotonic() - started < 1
        assert len(receiver.got) == 2
        assert dead.got == []


def test_webhooks_of_the_site_at_other_hosts_do_not_wait_for_each_other(receiver: Receiver) -> None:
    line = Line(is_slow=False)
    for host in ("one.example", "two.example"):
        webhook(f"https://{host}/", project=None)
    for hook in Webhook.objects.plain():
        send_test(hook, "Ada")

    with line.turn() as first, line.turn() as second, line.turn() as third:
        claimed = [each and each["url"] for each in (first, second, third)]

    assert sorted(filter(None, claimed)) == ["https://one.example/", "https://two.example/"]


@pytest.mark.parametrize(("project", "host"), [("dead", "127.0.0.1"), ("other", "localhost")])
def test_receivers_that_hang_take_one_thread_for_their_project_and_one_for_their_host(
    app: Flask, receiver: Receiver, monkeypatch: pytest.MonkeyPatch, project: str, host: str
) -> None:
    monkeypatch.setitem(app.config, "PRIVATE_WEBHOOK_HOSTS", frozenset(["127.0.0.1", "localhost"]))
    line = Line(is_slow=False)

    def work() -> None:
        with app.test_request_context():
            deliver(line)

    with receiving() as dead:
        dead.delay_s = 2.0
        webhook(dead.address.replace("127.0.0.1", "localhost"), project="dead")
        webhook(dead.address.replace("127.0.0.1", host), project=project)
        webhook(receiver.address, project="example")
        for hook in Webhook.objects.plain():
            send_test(hook, "Ada")
        hanging = threading.Thread(target=work)
        hanging.start()
        while not dead.got:
            time.sleep(0.01)

        deliver(line)
        arrived = (len(dead.got), len(receiver.got))
        hanging.join()

    assert arrived == (1, 1)
    assert deliver(line), "its turn comes afterwards"


def test_one_thread_of_an_idle_line_looks_for_work_and_wakes_the_others(receiver: Receiver) -> None:
    line = Line(is_slow=False)
    rested = list[str]()

    def rest(name: str, seconds: float) -> None:
        line.rest(seconds)
        rested.append(name)

    threads = [threading.Thread(target=rest, args=("first", 0.2), daemon=True)]
    threads += [threading.Thread(target=rest, args=("another", 0.0), daemon=True) for _ in range(2)]
    for thread in threads:
        thread.start()
        time.sleep(0.02)
    threads[0].join(5)
    assert rested == ["first"]

    webhook(receiver.address)
    send_test(Webhook.objects.plain()[0], "Ada")
    with line.turn() as hook:
        assert hook
        threads[1].join(5)
    assert rested == ["first", "another"]
    with line.turn(), line.turn() as second:
        assert second is None
    assert threads[2].is_alive()


def test_receiver_that_fails_or_is_slow_changes_the_line(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delivering, "SLOW_S", 0.0)
    webhook(receiver.address)
    send_test(Webhook.objects.plain()[0], "Ada")

    deliver(Line(is_slow=False))

    assert Webhook.objects.get().is_slow
    assert message().state == "delivered"


def test_new_events_do_not_wake_a_webhook_that_rests(receiver: Receiver) -> None:
    webhook(receiver.address)
    receiver.status = 500
    send_test(Webhook.objects.plain()[0], "Ada")
    deliver_all()
    send_test(Webhook.objects.plain()[0], "Ada")

    deliver_all()

    assert len(receiver.got) == 1


def test_messages_that_waited_a_day_behind_others_fail(receiver: Receiver) -> None:
    webhook(receiver.address)
    receiver.status = 500
    for _ in range(3):
        send_test(Webhook.objects.plain()[0], "Ada")
    long_ago = utc_now() - timedelta(days=1, minutes=1)
    WebhookMessage.objects.update(due_at=long_ago, since=long_ago)

    deliver_all()

    assert len(receiver.got) == 1
    assert {each.state for each in WebhookMessage.objects} == {"failed"}


@pytest.mark.real_server
def test_simultaneous_threads_deliver_each_message_once(app: Flask, receiver: Receiver) -> None:
    webhook(receiver.address)
    for _ in range(10):
        send_test(Webhook.objects.plain()[0], "Ada")

    def work() -> None:
        with app.test_request_context():
            deliver_all()

    threads = [threading.Thread(target=work) for _ in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()

    assert sorted(posted.headers["webhook-id"] for posted in receiver.got) == sorted(
        each.id for each in WebhookMessage.objects
    )


def test_claim_of_a_killed_process_ends(receiver: Receiver) -> None:
    now = utc_now()
    hook = webhook(receiver.address, claimed_until=now + timedelta(seconds=30))
    send_test(Webhook.objects.plain()[0], "Ada")
    deliver_all()
    assert receiver.got == []
    hook.update(claimed_until=now - timedelta(seconds=1))

    deliver_all()

    assert len(receiver.got) == 1


def test_what_failed_while_the_clock_was_ahead_is_tried_again_when_it_is_right(receiver: Receiver) -> None:
    webhook(receiver.address)
    receiver.status = 500
    with clock_ahead():
        send_test(Webhook.objects.plain()[0], "Ada")
        deliver_all()
    receiver.status = 200

    deliver_all()

    assert len(receiver.got) == 2
    assert message().state == "delivered"
