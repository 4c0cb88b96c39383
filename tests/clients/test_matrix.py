"""Real clients of pinned versions against the running site: `make test-clients` prints what each of them can do."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.clients.matrix import CELLS, FOR_MEMBERS
from tests.clients.programs import Client
from tests.clients.shop import Shop

pytestmark = [pytest.mark.real_server, pytest.mark.clients]


@pytest.mark.parametrize("cell", [pytest.param(cell, id="-".join(cell).replace(" ", "-")) for cell in CELLS])
def test_client(
    cell: tuple[str, str, str], shop: Shop, home: Path, record_property: Callable[[str, object], None]
) -> None:
    if shop.access == "public" and CELLS[cell] in FOR_MEMBERS:
        pytest.skip("a public site asks no installer who it is")
    record_property("cell", cell)

    CELLS[cell](Client(cell[1], home), shop)
