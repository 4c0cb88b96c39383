"""Show the images of descriptions from this site, if DESCRIPTION_IMAGES says so.

Descriptions are stored with a placeholder for each image. While a page is made, the placeholder becomes an image whose
address here is signed, so that the site fetches only what a stored description names.
"""

import base64
import binascii
import re
from html import unescape
from urllib.parse import urlsplit

from flask import Flask, current_app, url_for
from itsdangerous import BadSignature, Signer
from markupsafe import Markup, escape

from config import BadConfig

OFF, PROXY = "off", "proxy"
MAX_URL_LENGTH = 1500
# As the renderer writes them.
_PLACEHOLDER = re.compile(
    r'<(?P<tag>a|span) class="description-image"(?P<attributes>(?: [a-z-]+="[^"]*")+)>(?P<alt>[^<]*)</(?P=tag)>'
)
_ATTRIBUTE = re.compile(r' ([a-z-]+)="([^"]*)"')


def init_app(app: Flask) -> None:
    """Add the filter for templates. Raises BadConfig."""
    if app.config["DESCRIPTION_IMAGES"] not in (OFF, PROXY):
        raise BadConfig(f"DESCRIPTION_IMAGES is {app.config['DESCRIPTION_IMAGES']!r}; it can be {OFF} or {PROXY}")
    app.add_template_filter(with_images)


def are_shown() -> bool:
    """Tell whether this site shows images of descriptions."""
    return bool(current_app.config["DESCRIPTION_IMAGES"] == PROXY)


def stamp() -> str:
    """Return what pages with images depend on besides the description: the setting and the key of the signatures."""
    return _signer().get_signature(b"").decode() if are_shown() else OFF


def with_images(html: str) -> Markup:
    """Return the HTML of a description with its images instead of their placeholders, if this site shows them."""
    return Markup(_PLACEHOLDER.sub(_image, html) if are_shown() else html)  # noqa: S704 - made safe when it was stored


def signed(url: str) -> str:
    """Return the name of an image's address on this site."""
    return _signer().sign(base64.urlsafe_b64encode(url.encode()).rstrip(b"=")).decode()


def url_of(name: str) -> str | None:
    """Return the address of an image with such a name, or None if this site did not sign it."""
    try:
        text = _signer().unsign(name.encode())
        return base64.urlsafe_b64decode(text + b"=" * (-len(text) % 4)).decode()
    except (BadSignature, binascii.Error, UnicodeError):
        return None


def _image(placeholder: re.Match[str]) -> str:
    attributes = {name: unescape(value) for name, value in _ATTRIBUTE.findall(placeholder["attributes"])}
    url = attributes.get("href") or attributes.get("data-image") or ""
    if not _can_be_fetched(url):
        return placeholder[0]
    source = escape(url_for("images.image", name=signed(url)))
    width = attributes.get("data-width", "")
    size = f' width="{width}"' if re.fullmatch("[1-9][0-9]{0,3}", width) else ""
    alt = placeholder["alt"].replace('"', "&quot;")
    return f'<img class="description-picture" src="{source}" alt="{alt}"{size} loading="lazy" decoding="async">'


def _can_be_fetched(url: str) -> bool:
    try:
        parts = urlsplit(url)
        has_host = bool(parts.hostname) and parts.username is None
    except ValueError:
        return False
    return has_host and parts.scheme in ("http", "https") and len(url) <= MAX_URL_LENGTH and url.isprintable()


def _signer() -> Signer:
    return Signer(current_app.config["SECRET_KEY"], salt="description image", key_derivation="hmac")
