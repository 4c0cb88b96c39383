"""A site with a wheel and an sdist."""

from collections.abc import Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.people import browser
from tests.publishing import uploads

INFO = "larder_probe-1.0.dist-info"
SCRIPT = "<script>alert(1)</script>"
EXTRA: dict[str, str | bytes] = {
    "larder_probe/app.py": f"import os  # {SCRIPT}\n",
    "larder_probe/data.bin": b"\x00\x01\x02",
    "larder_probe/latin.txt": b"caf\xe9",
    "larder_probe/empty": "",
    f"{INFO}/entry_points.txt": "[console_scripts]\nprobe = larder_probe:main\n",
}
WHEEL = uploads.wheel(extra=EXTRA)
ADDRESS = f"/inside/larder-probe/{uploads.wheel_name()}/"


@pytest.fixture
def reader(app: Flask) -> Iterator[FlaskClient]:
    """A reader of a site to which a wheel and an sdist were published."""
    app.extensions["limiter"].storage.reset()
    client = app.test_client()
    _, secret = uploads.publisher()
    for content, name in ((WHEEL, uploads.wheel_name()), (uploads.sdist(), uploads.sdist_name())):
        sent = uploads.upload(client, secret, content, name)
        assert sent.status_code == 200, sent.text
    yield browser(app)
    app.extensions["limiter"].storage.reset()
