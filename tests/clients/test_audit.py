"""`uv audit` and `pip-audit` against the running site, which has no internet to ask: `make test-clients`."""

from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask

from tests import factories
from tests.clients.auditing import ADVISORIES, AUDITS
from tests.clients.programs import Client
from tests.clients.shop import Shop
from webapp.documents import Advisory

pytestmark = [pytest.mark.real_server, pytest.mark.clients]


@pytest.fixture(autouse=True)
def advised(site: Flask, shop: Shop) -> None:
    """The site knows the advisories."""
    with site.app_context():
        Advisory.objects.delete()
        for advisory_id, fields in ADVISORIES.items():
            factories.advisory(advisory_id, **fields)


@pytest.mark.parametrize("cell", [pytest.param(cell, id="-".join(cell).replace(" ", "-")) for cell in AUDITS])
def test_audit(
    cell: tuple[str, str, str], shop: Shop, home: Path, record_property: Callable[[str, object], None]
) -> None:
    record_property("cell", cell)

    AUDITS[cell](Client(cell[1], home), shop)
