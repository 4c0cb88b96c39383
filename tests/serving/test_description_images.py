"""The images of descriptions: placeholders, and images with signed addresses."""

import pytest
from flask import Flask

from webapp.rendering.markup import render
from webapp.serving.description_images import MAX_URL_LENGTH, signed, url_of, with_images

LOGO = "https://img.example.org/logo.png?a=1&b=2"


@pytest.fixture
def proxy(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(app.config, "DESCRIPTION_IMAGES", "proxy")


def shown(text: str) -> str:
    """What a description in Markdown looks like."""
    return str(with_images(render(text, "GFM") or "")).strip()


def image(url: str, alt: str, more: str = "") -> str:
    source = f"/description-image/{signed(url)}"
    return f'<img class="description-picture" src="{source}" alt="{alt}"{more} loading="lazy" decoding="async">'


@pytest.mark.usefixtures("app")
def test_image_is_a_link_unless_the_site_shows_images() -> None:
    html = render(f"![Logo]({LOGO})", "GFM")

    assert with_images(html or "") == html


@pytest.mark.usefixtures("proxy")
class TestProxy:
    @pytest.mark.usefixtures("app")
    def test_image_is_shown_from_this_site(self, app: Flask) -> None:
        with app.test_request_context():
            assert shown(f"![Logo]({LOGO})") == f"<p>{image(LOGO, 'Logo')}</p>"

    def test_badge_stays_a_link_with_its_image(self, app: Flask) -> None:
        with app.test_request_context():
            link = '<a href="https://ci.example.org" rel="nofollow noopener">'

            assert shown(f'[![Build "x"]({LOGO})](https://ci.example.org)') == (
                f"<p>{link}{image(LOGO, 'Build &quot;x&quot;')}</a></p>"
            )

    @pytest.mark.parametrize(("width", "more"), [("80", ' width="80"'), ("80px", ' width="80"'), ("5000000", "")])
    def test_width_is_kept(self, app: Flask, width: str, more: str) -> None:
        with app.test_request_context():
            assert shown(f'<img src="{LOGO}" alt="L" width="{width}">') == image(LOGO, "L", more)

    @pytest.mark.parametrize(
        "url",
        ["https://user:secret@example.org/a.png", "https://[::1/a.png", f"https://example.org/{'a' * MAX_URL_LENGTH}"],
    )
    def test_odd_address_stays_a_link(self, app: Flask, url: str) -> None:
        with app.test_request_context():
            assert "<img" not in shown(f"![Logo]({url})")

    def test_what_a_description_writes_itself_is_no_placeholder(self, app: Flask) -> None:
        with app.test_request_context():
            assert "<img" not in shown(f'<span class="description-image" data-image="{LOGO}">a</span>')


@pytest.mark.usefixtures("app")
def test_only_what_this_site_signed_has_an_address() -> None:
    name = signed(LOGO)
    text, _, signature = name.rpartition(".")

    assert url_of(name) == LOGO
    for other in (text, f"{text}.", f"{text}A.{signature}", f"{text}.{signature[:-1]}", "", ".", "\ud800", "ü.ü"):
        assert url_of(other) is None, other


def test_names_of_another_key_are_worth_nothing(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    name = signed(LOGO)
    monkeypatch.setitem(app.config, "SECRET_KEY", "another key")

    assert url_of(name) is None
