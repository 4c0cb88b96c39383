"""Lock files that one client writes are installed from scratch by another, as people hand them on."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.clients.installing import KINDS, PYPROJECT, Project
from tests.clients.locking import CELLS, WRITTEN, Command
from tests.clients.programs import Client, said
from tests.clients.publishing import upload
from tests.clients.shop import Shop
from tests.publishing import uploads

pytestmark = [pytest.mark.real_server, pytest.mark.clients]


def run(client: Client, commands: tuple[Command, ...], index: str) -> None:
    for program, *args in commands:
        done = client.run(program, *(index if each == "INDEX" else each for each in args))
        assert done.returncode == 0, said(done)


@pytest.mark.parametrize("cell", [pytest.param(cell, id="-".join(cell).replace(" ", "-")) for cell in CELLS])
def test_what_one_client_locks_another_installs(
    cell: tuple[str, str, str], shop: Shop, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    record_property("cell", cell)
    how, reader = WRITTEN[cell[1].strip("`")], CELLS[cell]
    project = f"locked-{uploads.sha256(f'{cell} {shop.access}'.encode())[:12]}"
    homes = [tmp_path / "writer", tmp_path / "reader"]
    writing, reading = Client(how.client, homes[0]), Client(reader.client, homes[1])
    for client in (writing, reading):
        client.home.mkdir()
        client.keep_in_netrc(shop.secret)
        (client.home / "in").write_text(f"{project}\n")
        kind = KINDS[client.name]
        if issubclass(kind, Project):
            kind(client).write(project, shop.index())
        else:
            (client.home / "pyproject.toml").write_text(PYPROJECT.format(requirement=project))
    upload(shop, project, "1.0")
    run(writing, how.commands, shop.index())
    # A newer version does not change what is locked.
    upload(shop, project, "2.0")

    locked = (writing.home / how.file).read_text()
    (reading.home / how.file).write_text(locked)
    run(reading, reader.commands, shop.index())

    assert reading.installed().get(project) == "1.0"
    assert shop.secret not in locked
