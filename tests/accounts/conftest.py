"""Tests of account pages borrow the clock of the tests of what they use, and sign in at an identity provider."""

from collections.abc import Iterator

import pytest
from flask import Flask

from tests.members.conftest import clock
from tests.openid.identity_provider import IdentityProvider, providing, use

__all__ = ["clock"]


@pytest.fixture
def provider(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Iterator[IdentityProvider]:
    """The provider that the site uses."""
    with providing() as found:
        use(app, monkeypatch, found.address)
        yield found
