"""`/description-image/...`: images from other hosts, as a browser gets them."""

import threading

import pytest
from bs4 import BeautifulSoup
from flask import Flask

from tests import factories
from tests.images.conftest import Host
from tests.local_http import Answer
from tests.people import browser
from tests.reading import one, read
from tests.rules.test_images import PNG, SVG
from webapp.documents import DescriptionImage, Package


def test_image_is_fetched_once_and_served_from_here(host: Host) -> None:
    first, second = (host.client.get(host.name()) for _ in range(2))

    assert first.data == second.data == PNG
    assert first.content_type == "image/png"
    assert first.headers["X-Content-Type-Options"] == "nosniff"
    assert first.headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert (first.cache_control.public, first.cache_control.max_age) == (True, 86_400)
    assert host.client.get(host.name(), headers={"If-None-Match": first.headers["ETag"]}).status_code == 304
    assert host.asked == ["/logo.png"]


def test_svg_can_do_nothing(host: Host) -> None:
    host.answers["/badge"] = Answer(body=SVG, content_type="text/plain")

    answer = host.client.get(host.name("/badge"))

    assert (answer.content_type, answer.data) == ("image/svg+xml; charset=utf-8", SVG)
    policy = answer.headers["Content-Security-Policy"]
    assert {"default-src 'none'", "sandbox"} <= set(policy.split("; "))


def test_address_that_this_site_did_not_sign_is_not_asked(host: Host) -> None:
    assert host.client.get(host.name() + "x").status_code == 404
    assert host.client.get("/description-image/aHR0cDovL2V4YW1wbGUub3Jn").status_code == 404
    assert host.asked == []


def test_nothing_is_fetched_where_images_are_off(app: Flask, host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(app.config, "DESCRIPTION_IMAGES", "off")

    assert host.client.get(host.name()).status_code == 404
    assert host.asked == []


def test_page_waits_for_no_image(host: Host) -> None:
    html = f'<p><a class="description-image" href="{host.address}/logo.png" rel="nofollow noopener">Logo</a></p>'
    factories.package("Example")
    Package.objects(pk="example").update(set__description_html=html)

    page: BeautifulSoup = read(host.client, "/project/example/")
    image = one(page, ".description img")

    assert (image["alt"], image["src"]) == ("Logo", host.name())
    assert host.asked == []
    assert host.client.get(str(image["src"])).data == PNG


def test_page_has_another_etag_once_images_are_shown(app: Flask, host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    factories.package("Example")
    shown = host.client.get("/project/example/").headers["ETag"]
    monkeypatch.setitem(app.config, "DESCRIPTION_IMAGES", "off")

    assert host.client.get("/project/example/").headers["ETag"] != shown


def test_two_readers_at_a_time_get_the_image(app: Flask, host: Host) -> None:
    host.answers["/logo.png"] = Answer(body=PNG, delay_s=0.1)
    found: list[bytes] = []
    name = host.name()
    threads = [threading.Thread(target=lambda: found.append(browser(app).get(name).data)) for _ in range(2)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()

    assert found == [PNG, PNG]
    assert DescriptionImage.objects.count() == 1
