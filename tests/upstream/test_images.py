"""Images of other hosts are fetched once, within limits."""

import time
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from requests import PreparedRequest, Response
from requests.adapters import HTTPAdapter

from tests.images.conftest import Host
from tests.local_http import Answer
from tests.rules.test_images import GIF, PNG
from webapp.documents import DescriptionImage
from webapp.documents.base import utc_now
from webapp.upstream import images as fetching
from webapp.upstream.images import Images


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (Answer(404), "answered 404 for an image"),
        (Answer(body=b"<html>"), "sent something other than an image"),
        (Answer(body=GIF + bytes(3_000_000)), "sent an image of more than 3,000,000 bytes"),
        (Answer(body=GIF, headers={"Content-Encoding": "gzip"}), "in a form that was not asked for"),
        (Answer(body=GIF * 9, cut_at=20), "broke off"),
        (Answer(302, headers={"Location": "ftp://example.org/"}), "led to an address that cannot be asked"),
        (Answer(0), "closed the connection"),
    ],
)
def test_what_cannot_be_shown_is_not_found_and_not_asked_for_again_at_once(
    host: Host, answer: Answer, reason: str
) -> None:
    host.answers["/logo.png"] = answer

    statuses = [host.client.get(host.name()).status_code for _ in range(2)]

    assert statuses == [404, 404]
    assert len(host.asked) == 1
    kept = DescriptionImage.objects.get()
    assert reason in kept.problem
    assert kept.data is None


def test_expired_image_is_fetched_again(host: Host) -> None:
    host.client.get(host.name())
    DescriptionImage.objects.update(set__expires_at=utc_now() - timedelta(seconds=1))
    host.answers["/logo.png"] = Answer(body=GIF)

    assert host.client.get(host.name()).data == GIF
    assert DescriptionImage.objects.get().expires_at > utc_now() + timedelta(days=29)


def test_private_addresses_are_not_asked(app: Flask, host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(app.extensions, "images", Images(1_000_000))

    assert host.client.get(host.name()).status_code == 404
    assert "has a private address" in DescriptionImage.objects.get().problem
    assert host.asked == []


def test_credentials_of_the_operator_are_not_sent(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("requests.sessions.get_netrc_auth", lambda *_: ("operator", "secret"))
    sent = []
    send = HTTPAdapter.send

    def noting(adapter: HTTPAdapter, request: PreparedRequest, **options: Any) -> Response:
        sent.append(request.headers)
        return send(adapter, request, **options)

    monkeypatch.setattr(HTTPAdapter, "send", noting)

    assert host.client.get(host.name()).status_code == 200
    assert [headers.get("Authorization") for headers in sent] == [None]
    assert sent[0]["User-Agent"] == "Larder"


def test_slow_host_keeps_others_waiting_for_a_limited_time_only(
    app: Flask, host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetching, "PATIENCE_S", 0.05)
    fetched: Images = app.extensions["images"]
    taken = [fetched._turns.acquire(blocking=False) for _ in range(fetching.AT_A_TIME)]
    began = time.monotonic()
    try:
        refused = host.client.get(host.name())
    finally:
        for _ in taken:
            fetched._turns.release()

    assert refused.status_code == 503
    assert refused.headers["Cache-Control"] == "no-store"
    assert time.monotonic() - began < 2
    assert host.client.get(host.name()).status_code == 200


def test_least_recently_used_images_make_room(app: Flask, host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    # A document takes 1,000 bytes more than its image.
    monkeypatch.setitem(app.extensions, "images", Images(2500, allows_private=lambda: True))
    for number in range(3):
        host.answers[f"/{number}"] = Answer(body=PNG)
        host.client.get(host.name(f"/{number}"))
        DescriptionImage.objects(url=f"{host.address}/{number}").update(
            set__used_at=utc_now() - timedelta(hours=9 - number)
        )
        if number == 1:
            host.client.get(host.name("/0"))  # which is used now

    assert {kept.url.rpartition("/")[2] for kept in DescriptionImage.objects} == {"0", "2"}
