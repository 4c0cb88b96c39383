"""A host with images."""

from collections.abc import Iterator
from typing import NamedTuple

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.local_http import Answer, served
from tests.people import browser
from tests.rules.test_images import PNG
from webapp.serving.description_images import signed
from webapp.upstream.images import Images


class Host(NamedTuple):
    """A host with images, and what it was asked for."""

    answers: dict[str, Answer]
    asked: list[str]
    address: str
    client: FlaskClient

    def name(self, path: str = "/logo.png") -> str:
        return f"/description-image/{signed(self.address + path)}"


@pytest.fixture
def host(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Iterator[Host]:
    monkeypatch.setitem(app.config, "DESCRIPTION_IMAGES", "proxy")
    monkeypatch.setitem(app.extensions, "images", Images(1_000_000, allows_private=lambda: True))
    answers, asked = {"/logo.png": Answer(body=PNG)}, list[str]()
    with served(answers, asked) as address:
        yield Host(answers, asked, address, browser(app))
