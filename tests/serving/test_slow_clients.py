"""Requests whose bodies take long: they may wait, but not in every thread."""

import io
import threading
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait

import pytest
from flask import Flask, request
from werkzeug.test import TestResponse

from tests.people import browser
from tests.publishing.test_upload import line
from tests.publishing.uploads import publisher, upload, wheel, wheel_name
from webapp.serving import slow_clients
from webapp.serving.slow_clients import PLACES


class SlowBody(io.RawIOBase):
    """A body that does not come until the test lets it."""

    def __init__(self) -> None:
        self.asked, self.comes = threading.Event(), threading.Event()

    def readable(self) -> bool:
        return True

    def readinto(self, _: object) -> int:
        self.asked.set()
        self.comes.wait(10)
        return 0


def test_few_threads_wait_for_bodies_and_the_others_go_on(app: Flask) -> None:
    bodies = [SlowBody() for _ in range(PLACES)]

    def send(body: SlowBody) -> TestResponse:
        environ = {"wsgi.input": body, "CONTENT_LENGTH": "10", "CONTENT_TYPE": "application/json"}
        return browser(app).post("/signup", environ_overrides=environ)

    with ThreadPoolExecutor(PLACES) as senders:
        slow = [senders.submit(send, body) for body in bodies]
        assert all(body.asked.wait(10) for body in bodies)
        refused = browser(app).post("/account/login", data={"email": "ada"})
        read = browser(app).get("/projects/")
        for body in bodies:
            body.comes.set()
        answers = [each.result() for each in slow]

    assert (refused.status_code, refused.headers["Retry-After"]) == (503, "5")
    assert "Too many requests are being received at the moment." in refused.text
    assert read.status_code == 200
    assert [answer.status_code for answer in answers] == [400] * PLACES
    assert browser(app).post("/account/login", data={"email": "ada"}).status_code == 400


def held_places(app: Flask, senders: ThreadPoolExecutor) -> list[SlowBody]:
    """Bodies that hold every place."""
    bodies = [SlowBody() for _ in range(PLACES)]
    for body in bodies:
        environ = {"wsgi.input": body, "CONTENT_LENGTH": "10", "CONTENT_TYPE": "application/json"}
        senders.submit(browser(app).post, "/signup", environ_overrides=environ)
    assert all(body.asked.wait(10) for body in bodies)
    return bodies


def send_upload(app: Flask, secret: str) -> TestResponse:
    return upload(browser(app), secret, wheel(), wheel_name())


def test_upload_waits_for_a_place(app: Flask) -> None:
    _, secret = publisher()

    with ThreadPoolExecutor(PLACES + 1) as senders:
        bodies = held_places(app, senders)
        sent = senders.submit(send_upload, app, secret)
        with pytest.raises(TimeoutError):
            sent.result(0.2)
        for body in bodies:
            body.comes.set()

    assert sent.result().status_code == 200


def test_one_upload_waits_and_those_behind_it_are_told_so_in_a_line(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slow_clients, "LINE_PATIENCE_S", 0.05)
    _, secret = publisher()

    with ThreadPoolExecutor(PLACES + 2) as senders:
        bodies = held_places(app, senders)
        sent = {senders.submit(send_upload, app, secret) for _ in range(2)}
        [refused], [waiting] = wait(sent, timeout=10, return_when=FIRST_COMPLETED)
        for body in bodies:
            body.comes.set()

    assert line(refused.result(), 503) == slow_clients.BUSY
    assert refused.result().headers["Retry-After"] == "5"
    assert waiting.result().status_code == 200


def test_stranger_who_uploads_takes_no_place(app: Flask) -> None:
    with ThreadPoolExecutor(PLACES) as senders:
        bodies = held_places(app, senders)
        answer = send_upload(app, "larder-wrong")
        for body in bodies:
            body.comes.set()

    line(answer, 403)


def test_large_body_gives_its_place_back(app: Flask) -> None:
    for _ in range(PLACES + 1):
        answer = browser(app).post("/signup", data=b"x" * (app.config["MAX_CONTENT_LENGTH"] + 1))

        assert answer.status_code == 400


def test_who_comes_through_a_proxy_is_not_refused() -> None:
    site = Flask("site")
    site.config["TRUSTED_PROXIES"] = 1
    site.add_url_rule("/", view_func=lambda: request.get_data(), methods=["POST"])
    slow_clients.init_app(site)
    body = SlowBody()

    with ThreadPoolExecutor(PLACES + 1) as senders:
        answers = [
            senders.submit(site.test_client().post, "/", environ_overrides={"wsgi.input": body, "CONTENT_LENGTH": "10"})
            for _ in range(PLACES + 1)
        ]
        body.comes.set()

    assert [answer.result().status_code for answer in answers] == [400] * (PLACES + 1)  # nothing came
