"""Requests whose bodies take long: they may wait, but not in every thread."""

import io
import threading
from concurrent.futures import ThreadPoolExecutor

from flask import Flask, request
from werkzeug.test import TestResponse

from tests.members import browser
from webapp import slow_clients
from webapp.slow_clients import PLACES


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
