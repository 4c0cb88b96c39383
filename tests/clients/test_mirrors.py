"""Real mirrors and proxies of Larder, and Larder as a mirror of another index: `make test-clients` runs them."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests
from flask import Flask

from tests.clients.installing import installer
from tests.clients.programs import KEPT_OUT, PIP, Client, environment, said
from tests.clients.publishing import upload
from tests.clients.shop import NAME, SOURCE, VERSIONS, Shop, sdist
from tests.conftest import free_port
from tests.publishing import uploads
from tests.servers import serving

pytestmark = [pytest.mark.real_server, pytest.mark.clients]
# These mirror what everybody may read.
public = pytest.mark.parametrize("shop", ["public"], indirect=True)

DEVPI, DEVPI_CLIENT = "devpi-server==6.20.3", "devpi-client==7.3.0"
SIMPLE_REPOSITORY_SERVER = "simple-repository-server==0.10.0"
SIMPLEINDEX, PROXPI = "simpleindex==0.6.3", "proxpi==1.3.1"
START_S = 60


@contextmanager
def running(folder: Path, *command: str | Path, ready: str, **settings: str) -> Iterator[None]:
    """A server, from its first answer at `ready` to the end of the block."""
    own = {key: value for key, value in os.environ.items() if not key.startswith(KEPT_OUT)}
    log = folder / "server.log"
    with log.open("wb") as output:
        environment = own | {"HOME": str(folder), "NO_PROXY": "127.0.0.1"} | settings
        process = subprocess.Popen(command, env=environment, cwd=folder, stdout=output, stderr=output)
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


def installs(home: Path, index: str, requirement: str = NAME) -> None:
    """A mirror answers pip with the newest release; 3.0 is yanked."""
    client = Client(PIP, home)
    done = installer(client).install(requirement, index)

    assert client.installed() == {NAME: "2.0"}, said(done)


@public
@pytest.mark.parametrize("requirement", ["bandersnatch==8.2.0", "bandersnatch==6.8.0"])
def test_bandersnatch_mirrors_all_and_then_what_is_new(requirement: str, shop: Shop, home: Path) -> None:
    other = f"mirrored-by-{'-'.join(map(str, Client(requirement, home).version))}"
    upload(shop, other)
    (home / "bandersnatch.conf").write_text(
        f"[mirror]\ndirectory = {home / 'mirror'}\nmaster = http://{shop.host}\nallow-non-https = true\n"
        "api-method = simple\njson = true\nworkers = 2\nhash-index = false\ntimeout = 30\nglobal-timeout = 60\n"
        "stop-on-error = true\n"
    )
    client = Client(requirement, home)

    def mirror() -> tuple[str, dict[str, bytes]]:
        done = client.run("bandersnatch", "-c", "bandersnatch.conf", "mirror")
        assert done.returncode == 0, said(done)
        kept = (home / "mirror" / "web" / "packages").rglob("*.*")
        return done.stderr, {path.name: path.read_bytes() for path in kept if path.is_file()}

    said_first, kept = mirror()
    assert "packages to sync" in said_first
    files = {uploads.wheel_name(NAME, version): uploads.wheel(NAME, version) for version in VERSIONS}
    files |= {uploads.sdist_name(SOURCE): sdist(), uploads.wheel_name(other): uploads.wheel(other)}
    assert kept.items() >= files.items()

    # A project that has never changed here is mirrored, too, though it has no files.
    assert (home / "mirror" / "web" / "json" / "flask").exists()

    said_then, _ = mirror()
    assert "0 packages to sync" in said_then

    new = upload(shop, other, "2.0")
    said_then, kept = mirror()
    assert "1 packages to sync" in said_then
    assert kept[uploads.wheel_name(other, "2.0")] == new

    web, port = str(home / "mirror" / "web"), free_port()
    served = f"http://127.0.0.1:{port}/simple/"
    command = (sys.executable, "-m", "http.server", str(port), "--bind", "127.0.0.1", "--directory", web)
    with running(home, *command, ready=served):
        installs(home, served)


def test_devpi_mirrors_larder(shop: Shop, home: Path) -> None:
    mirror = {"type": "mirror", "mirror_url": shop.index_for_all, "volatile": True}
    with devpi(home / "devpi", **mirror) as (index, _):
        installs(home, f"{index}/+simple/")


def test_devpi_client_makes_a_mirror_and_pushes_to_larder(shop: Shop, home: Path) -> None:
    """With its own client: a mirror of Larder, and a release that moves from an index of devpi's to Larder."""
    client, project = Client(DEVPI_CLIENT, home), f"pushed-by-devpi-{shop.access}"
    pypirc = f"[distutils]\nindex-servers = larder\n[larder]\nrepository = {shop.upload_address}\n"
    (home / ".pypirc").write_text(f"{pypirc}username = __token__\npassword = {shop.secret}\n")
    wheel = home / uploads.wheel_name(project)
    wheel.write_bytes(uploads.wheel(project))

    def run(*args: str) -> None:
        done = client.run("devpi", *args)
        assert done.returncode == 0, said(done)

    with devpi(home / "devpi", type="stage", bases=[], acl_upload=["root"]) as (index, _):
        run("use", index)
        run("login", "root", "--password=")
        run("index", "-c", "larder", "type=mirror", f"mirror_url={shop.index_for_all}", "volatile=True")
        run("upload", str(wheel))
        run("push", f"{project}==1.0", "pypi:larder")
        installs(home, f"{index.removesuffix('index')}larder/+simple/")

    pip = Client(PIP, home)
    done = installer(pip).install(project, shop.index_for_all)
    assert pip.installed().get(project) == "1.0", said(done)


def test_simple_repository_server_passes_larder_on(shop: Shop, home: Path) -> None:
    port = free_port()
    program = environment(SIMPLE_REPOSITORY_SERVER) / "bin" / "simple-repository-server"
    served = f"http://127.0.0.1:{port}/simple/"
    Client(SIMPLE_REPOSITORY_SERVER, home).keep_in_netrc(shop.secret)
    with running(home, program, "--host", "127.0.0.1", "--port", str(port), shop.index(), ready=served):
        installs(home, served)


def test_simpleindex_sends_installers_to_larder(shop: Shop, home: Path) -> None:
    port = free_port()
    route = f'[routes."{{project}}"]\nsource = "http"\nto = "{shop.index()}{{project}}/"\n'
    (home / "index.toml").write_text(f'{route}[server]\nhost = "127.0.0.1"\nport = {port}\n')
    Client(SIMPLEINDEX, home).keep_in_netrc(shop.secret)
    command = (environment(SIMPLEINDEX) / "bin" / "python", "-m", "simpleindex", "index.toml")
    with running(home, *command, ready=f"http://127.0.0.1:{port}/"):
        installs(home, f"http://127.0.0.1:{port}/")


def test_proxpi_keeps_what_larder_has(shop: Shop, home: Path) -> None:
    port = free_port()
    command = (environment(PROXPI) / "bin" / "flask", "--app", "proxpi.server", "run", "--port", str(port))
    with running(home, *command, ready=f"http://127.0.0.1:{port}/health", PROXPI_INDEX_URL=shop.index_for_all):
        installs(home, f"http://127.0.0.1:{port}/index/")


@public
def test_larder_takes_what_it_lacks_from_devpi(shop: Shop, site: Flask, home: Path) -> None:
    with devpi(home / "devpi", type="stage", bases=[], acl_upload=["root"]) as (index, password):
        content = uploads.wheel("only-in-devpi")
        form = {":action": "file_upload", "name": "only-in-devpi", "version": "1.0", "filetype": "bdist_wheel"}
        files = {"content": (uploads.wheel_name("only-in-devpi"), content)}
        answer = requests.post(f"{index}/", data=form, files=files, auth=("root", password), timeout=30)
        assert answer.ok, answer.text
        settings = {"HTTPS_ONLY": 0, "UPSTREAM_INDEX": f"{index}/+simple/"}
        with serving(home / "log", site.config["MONGODB_URI"], workers=1, **settings) as larder:
            client = Client(PIP, home)
            done = installer(client).install("only-in-devpi", f"{larder.address}/simple/")

    assert client.installed() == {"only-in-devpi": "1.0"}, said(done)
