"""A site that trusts one issuer, which signs whatever a test wants."""

from collections.abc import Iterator

import pytest
from flask import Flask

from tests.openid.issuers import AUDIENCE, Issuer, issuing
from webapp.openid.providers import Provider


@pytest.fixture(scope="session")
def running_issuer() -> Iterator[Issuer]:
    """The issuer, for all tests."""
    with issuing() as found:
        yield found


@pytest.fixture
def issuer(app: Flask, running_issuer: Issuer, monkeypatch: pytest.MonkeyPatch) -> Issuer:
    """The issuer that the site trusts."""
    running_issuer.publishes("first", "ec-second")
    running_issuer.asked.clear()
    trusted = {running_issuer.address: Provider(running_issuer.address, "TRUSTED_ISSUERS")}
    monkeypatch.setitem(app.extensions, "trusted_issuers", trusted)
    monkeypatch.setitem(app.extensions, "trusted_audience", AUDIENCE)
    return running_issuer
