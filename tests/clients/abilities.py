"""What an installer can do with a site: each function fails if it cannot."""

import json
from collections.abc import Callable

from tests.clients.installing import Pip, Uv, installer
from tests.clients.programs import Client, said
from tests.clients.shop import APP, NAME, SOURCE, Shop
from tests.publishing import uploads

Ability = Callable[[Client, Shop], None]

DIGEST = uploads.sha256(uploads.wheel(NAME, "1.0"))
WRONG = "0" * 64


def find(client: Client, shop: Shop) -> None:
    done = client.run("pip", "index", "versions", NAME, "--index-url", shop.index_for_all)

    assert "Available versions: 2.0, 1.0" in done.stdout, said(done)


def install(client: Client, shop: Shop) -> None:
    """With what it needs, and not the yanked release."""
    done = installer(client).install(APP, shop.index_for_all)

    assert client.installed().items() >= {APP: "1.0", NAME: "2.0"}.items(), said(done)


def install_yanked(client: Client, shop: Shop) -> None:
    """A yanked release, if exactly this one is asked for."""
    done = installer(client).install(f"{NAME}==3.0", shop.index_for_all)

    assert client.installed().get(NAME) == "3.0", said(done)


def build(client: Client, shop: Shop) -> None:
    done = installer(client).install(SOURCE, shop.index_for_all)

    assert client.installed().get(SOURCE) == "1.0", said(done)


def read_metadata(client: Client, shop: Shop) -> None:
    """Resolve with the metadata file, and fetch the wheel later if at all."""
    before = len(shop.requests())

    done = installer(client).resolve(f"{NAME}==1.0", shop.index_for_all)

    assert done.returncode == 0, said(done)
    asked = [line.split()[1].rpartition("/")[2] for line in shop.requests()[before:] if "/packages/" in line]
    assert asked[:1] == [f"{uploads.wheel_name(NAME, '1.0')}.metadata"], asked


def check_hashes(client: Client, shop: Shop) -> None:
    """Refuse a file that is not the one that was locked, and take the one that was."""
    index, tool = shop.index_for_all, installer(client)
    if isinstance(tool, Pip | Uv):
        file = client.home / "locked.txt"
        file.write_text(f"{NAME}==1.0 --hash=sha256:{DIGEST}\n")
    else:
        locked = tool.lock(f"{NAME}==1.0", index)
        assert locked.returncode == 0, said(locked)
        file = tool.locked

    right = file.read_text()
    assert DIGEST in right
    file.write_text(right.replace(DIGEST, WRONG))
    refused = tool.install_file(file.name, index) if isinstance(tool, Pip | Uv) else tool.sync(index)
    assert refused.returncode != 0, said(refused)
    assert NAME not in client.installed()

    file.write_text(right)
    taken = tool.install_file(file.name, index) if isinstance(tool, Pip | Uv) else tool.sync(index)
    assert client.installed().get(NAME) == "1.0", said(taken)


def lock(client: Client, shop: Shop) -> None:
    tool = installer(client)

    done = tool.lock(APP, shop.index_for_all)

    assert done.returncode == 0, said(done)
    text = tool.locked.read_text()
    assert uploads.sha256(uploads.wheel(NAME, "2.0")) in text
    assert "3.0-py3" not in text
    if client.name not in ("poetry", "pipenv"):  # which copy the address of the index; see docs/publishing.md
        assert shop.secret not in text


def token(client: Client, shop: Shop) -> None:
    """By the address, or as the client documents it; without a token, nothing is installed."""
    refused = installer(client).install(f"{NAME}==1.0", shop.index())
    assert refused.returncode != 0, said(refused)
    assert NAME not in client.installed()

    if client.name == "poetry":
        settings = {"POETRY_HTTP_BASIC_LARDER_USERNAME": "__token__", "POETRY_HTTP_BASIC_LARDER_PASSWORD": shop.secret}
        index = shop.index()
    elif client.name in ("pipenv", "pdm"):
        settings, index = {"LARDER_TOKEN": shop.secret}, shop.index("__token__:${LARDER_TOKEN}")
    else:
        settings, index = {}, shop.index_with_token
    tool = installer(client, **settings)
    done = tool.install(f"{NAME}==1.0", index)

    assert client.installed().get(NAME) == "1.0", said(done)
    # The token is not in the lock file, which people commit.
    assert not tool.locked.exists() or shop.secret not in tool.locked.read_text()


def netrc(client: Client, shop: Shop) -> None:
    client.keep_in_netrc(shop.secret)

    done = installer(client).install(f"{NAME}==1.0", shop.index())

    assert client.installed().get(NAME) == "1.0", said(done)


def keyring(client: Client, shop: Shop) -> None:
    client.keep_in_keyring(shop.host, shop.secret)
    if client.name == "uv":
        settings = {"UV_KEYRING_PROVIDER": "subprocess"}
    elif client.name == "pip" and client.version < (23,):
        settings = {}  # these use it where they can import it
    else:
        settings = {"PIP_KEYRING_PROVIDER": "import" if client.name == "pip" else "subprocess"}

    done = installer(client, **settings).install(f"{NAME}==1.0", shop.index("__token__"))

    assert client.installed().get(NAME) == "1.0", said(done)


def prompt(client: Client, shop: Shop) -> None:
    """Ask for the user and the token in a terminal."""
    if client.name == "uv":
        answers = {"username": "__token__", "password": shop.secret}
        code, printed = client.answer("uv", "auth", "login", f"http://{shop.host}", answers=answers)
        assert code == 0, printed
        done = installer(client).install(f"{NAME}==1.0", shop.index())
        assert client.installed().get(NAME) == "1.0", said(done)
        return
    answers = {f"User for {shop.host}: ": "__token__", "Password: ": shop.secret}
    answers["Save credentials to keyring [y/N]: "] = "n"
    command = ("install", "--no-cache-dir", "--target", "got", "--index-url", shop.index(), f"{NAME}==1.0")
    code, printed = client.answer("pip", *command, answers=answers)

    assert client.installed().get(NAME) == "1.0", printed


def ask_pypi_simple(client: Client, shop: Shop, expression: str) -> str:
    """What an expression of `site`, the index, and `packages`, the files of the project, comes to."""
    program = "import pypi_simple, sys\nsite = pypi_simple.PyPISimple(sys.argv[1], auth=tuple(sys.argv[3:]) or None)\n"
    program += f"packages = site.get_project_page(sys.argv[2]).packages\nprint({expression})\n"
    auth = ("__token__", shop.secret) if shop.access == "members" else ()
    done = client.run("python", "-c", program, shop.index(), NAME, *auth)
    return (done.stdout + done.stderr).strip()


def find_with_pypi_simple(client: Client, shop: Shop) -> None:
    found = ask_pypi_simple(client, shop, "[(each.version, each.is_yanked) for each in packages]")

    assert found == "[('1.0', False), ('2.0', False), ('3.0', True)]"


def read_metadata_with_pypi_simple(client: Client, shop: Shop) -> None:
    found = ask_pypi_simple(client, shop, "site.get_package_metadata(packages[0])")

    assert found == uploads.metadata(NAME, "1.0").strip()


def check_hashes_with_pypi_simple(client: Client, shop: Shop) -> None:
    wrong = f"packages[0].digests.update(sha256='{WRONG}') or "

    assert ask_pypi_simple(client, shop, "site.download_package(packages[0], 'got')") == "None"
    assert (client.home / "got").read_bytes() == uploads.wheel(NAME, "1.0")
    refused = ask_pypi_simple(client, shop, f"{wrong}site.download_package(packages[0], 'other')")
    assert "DigestMismatchError" in refused
    assert not (client.home / "other").exists()


def find_with_johnnydep(client: Client, shop: Shop) -> None:
    options = ("--output-format", "json", "--fields", "name", "download_link")
    done = client.run("johnnydep", APP, "--index-url", shop.index_for_all, *options)

    assert done.returncode == 0, said(done)
    found = {each["name"]: each["download_link"].rpartition("/")[2] for each in json.loads(done.stdout)}
    assert found == {APP: uploads.wheel_name(APP), NAME: uploads.wheel_name(NAME, "2.0")}
    assert "unquoted" not in done.stderr  # urllib warns of a challenge that is not as it should be
