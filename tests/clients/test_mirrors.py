"""Real mirrors of Larder, and Larder as a mirror of another index: `make test-clients` runs them."""

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests
from flask import Flask

from tests.clients.conftest import NAME, Shop
from tests.clients.test_matrix import Client, environment
from tests.conftest import free_port
from tests.publishing import uploads
from tests.servers import serving

pytestmark = [
    pytest.mark.real_server,
    pytest.mark.clients,
    # A mirror reads what everybody may read.
    pytest.mark.parametrize("shop", ["public"], indirect=True),
]

DEVPI, SIMPLE_REPOSITORY_SERVER = "devpi-server==6.20.3", "simple-repository-server==0.10.0"
START_S = 60
WHEELS = [uploads.wheel(NAME, version) for version in ("1.0", "2.0", "3.0")]


def publish(address: str, secret: str, name: str, version: str = "1.0", user: str = "__token__") -> bytes:
    """Upload a wheel as the tools do; return its bytes."""
    content = uploads.wheel(name, version)
    form = {":action": "file_upload", "protocol_version": "1", "name": name, "version": version}
    form |= {"filetype": "bdist_wheel", "pyversion": "py3", "metadata_version": "2.1"}
    form |= {"sha256_digest": uploads.sha256(content)}
    files = {"content": (uploads.wheel_name(name, version), content)}
    answer = requests.post(address, data=form, files=files, auth=(user, secret), timeout=30)
    assert answer.ok, answer.text
    return content


@contextmanager
def running(folder: Path, *command: str | Path, ready: str) -> Iterator[None]:
    """A server, from its first answer at `ready` to the end of the block."""
    kept_out = ("PIP_", "UV_", "COV_", "PYTHON")
    own = {key: value for key, value in os.environ.items() if not key.startswith(kept_out)}
    log = folder / "server.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, env=own | {"HOME": str(folder), "NO_PROXY": "127.0.0.1"}, cwd=folder, stdout=output, stderr=output
        )
    try:
        deadline = time.monotonic() + START_S
        answered = False
        while not answered:
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.1)
            try:
                answered = requests.get(ready, timeout=30).status_code < 500
            except requests.ConnectionError:
                answered = False
        yield
    finally:
        process.terminate()
        process.wait(START_S)


@contextmanager
def devpi(folder: Path, **index: object) -> Iterator[tuple[str, str]]:
    """devpi with one index, root/index, of these settings. Yields the index's address and root's password."""
    programs, port = environment(DEVPI) / "bin", free_port()
    folder.mkdir()
    initialize: list[str | Path] = [programs / "devpi-init", "--serverdir", "data", "--no-root-pypi"]
    subprocess.run(initialize, cwd=folder, check=True, timeout=120)
    address = f"http://127.0.0.1:{port}"
    options = ("--serverdir", "data", "--host", "127.0.0.1", "--port", str(port))
    with running(folder, programs / "devpi-server", *options, ready=f"{address}/+api"):
        signed_in = requests.post(f"{address}/+login", json={"user": "root", "password": ""}, timeout=30)
        password = signed_in.json()["result"]["password"]
        made = requests.put(f"{address}/root/index", json=index, auth=("root", password), timeout=30)
        assert made.ok, made.text
        yield f"{address}/root/index", password


def install(client: Client, index: str, requirement: str, version: str) -> None:
    done = client.install(requirement, index=index)

    assert client.has(version), done.stdout + done.stderr


def test_bandersnatch_mirrors_all_and_then_what_is_new(shop: Shop, tmp_path: Path) -> None:
    publish(shop.upload_address, shop.secret, "larder-other")
    (tmp_path / "bandersnatch.conf").write_text(
        f"[mirror]\ndirectory = {tmp_path / 'mirror'}\nmaster = http://{shop.host}\nallow-non-https = true\n"
        "json = true\nworkers = 2\nhash-index = false\ntimeout = 30\nglobal-timeout = 60\nstop-on-error = true\n"
    )
    client = Client("bandersnatch==8.2.0", shop, tmp_path)

    def mirror() -> tuple[str, dict[str, bytes]]:
        done = client.run("bandersnatch", "-c", "bandersnatch.conf", "mirror")
        assert done.returncode == 0, done.stderr
        kept = (tmp_path / "mirror" / "web" / "packages").rglob("*.whl")
        return done.stderr, {path.name: path.read_bytes() for path in kept}

    said, kept = mirror()
    assert "3 packages to sync" in said
    assert sorted(kept.values()) == sorted([*WHEELS, uploads.wheel("larder-other")])

    # A project that has never changed here is mirrored, too, though it has no files.
    assert (tmp_path / "mirror" / "web" / "json" / "flask").exists()

    said, _ = mirror()
    assert "0 packages to sync" in said

    new = publish(shop.upload_address, shop.secret, "larder-other", "2.0")
    said, kept = mirror()
    assert "1 packages to sync" in said
    assert kept[uploads.wheel_name("larder-other", "2.0")] == new

    web, port = str(tmp_path / "mirror" / "web"), free_port()
    served = f"http://127.0.0.1:{port}/simple/"
    command = ("python3", "-m", "http.server", str(port), "--bind", "127.0.0.1", "--directory", web)
    with running(tmp_path, *command, ready=served):
        install(Client("pip==26.3", shop, tmp_path), served, NAME, "2.0")  # 3.0 is yanked


def test_devpi_mirrors_larder(shop: Shop, tmp_path: Path) -> None:
    mirror = {"type": "mirror", "mirror_url": shop.index(), "volatile": True}
    with devpi(tmp_path / "devpi", **mirror) as (index, _):
        install(Client("pip==26.3", shop, tmp_path), f"{index}/+simple/", NAME, "2.0")


def test_simple_repository_server_passes_larder_on(shop: Shop, tmp_path: Path) -> None:
    port = free_port()
    program = environment(SIMPLE_REPOSITORY_SERVER) / "bin" / "simple-repository-server"
    served = f"http://127.0.0.1:{port}/simple/"
    with running(tmp_path, program, "--host", "127.0.0.1", "--port", str(port), shop.index(), ready=served):
        install(Client("pip==26.3", shop, tmp_path), served, NAME, "2.0")


def test_larder_takes_what_it_lacks_from_devpi(shop: Shop, site: Flask, tmp_path: Path) -> None:
    with devpi(tmp_path / "devpi", type="stage", bases=[], acl_upload=["root"]) as (index, password):
        publish(f"{index}/", password, "only-in-devpi", user="root")
        settings = {"HTTPS_ONLY": 0, "UPSTREAM_INDEX": f"{index}/+simple/"}
        with serving(tmp_path / "log", site.config["MONGODB_URI"], workers=1, **settings) as larder:
            done = Client("pip==26.3", shop, tmp_path).install("only-in-devpi", index=f"{larder.address}/simple/")

    assert (tmp_path / "got" / "only_in_devpi.py").exists(), done.stdout + done.stderr
