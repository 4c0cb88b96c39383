"""Commands reach this machine without a proxy."""

import pytest

from tests.inspection.conftest import files_in_order, site_in_order

__all__ = ["files_in_order", "site_in_order"]


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
