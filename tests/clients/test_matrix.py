"""Real clients of pinned versions against the running site: `make test-clients` prints what each of them can do."""

import os
import subprocess
from collections.abc import Callable
from importlib.metadata import version as version_of
from pathlib import Path

import pytest
from uv import find_uv_bin

from tests.clients.conftest import NAME, Shop
from tests.conftest import required
from tests.publishing import uploads

pytestmark = [pytest.mark.real_server, pytest.mark.clients]

# Environments are kept from one run to the next.
KEPT = Path(__file__).resolve().parents[2] / ".tools" / "clients"
KEYRING = ("keyring==25.7.0", "keyrings.alt==5.0.2")
# twine 4.0 does not start with a newer one: it reads a field of its own metadata that is not there.
# pdm 2.29 locks nothing with hishel 2, which its requirements allow.
BESIDE = {"twine==4.0.2": ("importlib-metadata==7.2.1",), "pdm==2.29.4": ("hishel==1.4.0",)}
# Clients that need a newer Python than Larder.
PYTHON = {"bandersnatch==8.2.0": ">=3.12"}
Done = subprocess.CompletedProcess[str]


def environment(requirement: str) -> Path:
    """Return a virtual environment with the client and a keyring in it."""
    folder = KEPT / requirement
    if not (folder / "complete").exists():
        python_version = PYTHON.get(requirement, ">=3.11")
        made = [find_uv_bin(), "venv", "--clear", "--quiet", "--python", python_version, str(folder)]
        if subprocess.run(made, check=False, timeout=120).returncode:
            required(f"{requirement} needs Python {python_version}")
        python = str(folder / "bin" / "python")
        install = [
            find_uv_bin(),
            "pip",
            "install",
            "--quiet",
            "--python",
            python,
            requirement,
            *KEYRING,
            *BESIDE.get(requirement, ()),
        ]
        subprocess.run(install, check=True, timeout=240)
        (folder / "complete").touch()
    return folder


class Client:
    """A client in an empty home, and the site that it talks to."""

    def __init__(self, requirement: str, shop: Shop, home: Path) -> None:
        self.shop, self.home = shop, home
        self.name, _, self.version = requirement.partition("==")
        self._bin = environment(requirement) / "bin"

    def run(self, program: str, *args: str, stdin: str = "") -> Done:
        """Run a program of the client's environment, away from everybody's settings."""
        own = {key: value for key, value in os.environ.items() if not key.startswith(("PIP_", "UV_", "COV_", "PYTHON"))}
        away = {
            "HOME": str(self.home),
            "PATH": f"{self._bin}:{os.environ['PATH']}",
            "PIP_CONFIG_FILE": os.devnull,
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
            "UV_NO_CONFIG": "1",
            "UV_NO_CACHE": "1",
            "UV_PYTHON": str(self._bin / "python"),
            "NO_PROXY": "127.0.0.1",
            "PYTHON_KEYRING_BACKEND": "keyrings.alt.file.PlaintextKeyring",
        }
        return subprocess.run(
            [str(self._bin / program), *args],
            env=own | away,
            cwd=self.home,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def install(self, *what: str, index: str = "", options: tuple[str, ...] = ()) -> Done:
        """Install with pip or uv into the folder `got`."""
        index = index or self.shop.index_for_all
        command = ("uv", "pip", "install") if self.name == "uv" else ("pip", "install", "--no-deps", "--no-cache-dir")
        return self.run(*command, "--target", "got", "--index-url", index, *options, *what)

    def has(self, version: str) -> bool:
        """Whether this version was installed."""
        module = self.home / "got" / "larder_probe.py"
        return module.exists() and module.read_text() == f'VERSION = "{version}"\n'

    def keep_in_keyring(self, service: str) -> None:
        """Keep the token in a real keyring, which is a file in the home."""
        kept = self.run("keyring", "set", service, "__token__", stdin=self.shop.secret)
        assert kept.returncode == 0, kept.stderr


def find_with_pypi_simple(client: Client) -> None:
    program = "import sys, pypi_simple; page = pypi_simple.PyPISimple(sys.argv[1]).get_project_page(sys.argv[2]); "
    program += "print([(package.version, package.is_yanked) for package in page.packages])"

    done = client.run("python", "-c", program, client.shop.index_for_all, NAME)

    assert done.stdout == "[('1.0', False), ('2.0', False), ('3.0', True)]\n", done.stdout + done.stderr


def find(client: Client) -> None:
    done = client.run("pip", "index", "versions", NAME, "--index-url", client.shop.index_for_all)

    assert "Available versions: 2.0, 1.0" in done.stdout, done.stdout + done.stderr


def install(client: Client) -> None:
    done = client.install(f"{NAME}==1.0")

    assert client.has("1.0"), done.stderr


def install_checked(client: Client) -> None:
    right, wrong = uploads.sha256(uploads.wheel(NAME, "1.0")), "0" * 64
    file = client.home / "requirements.txt"

    file.write_text(f"{NAME}==1.0 --hash=sha256:{wrong}\n")
    refused = client.install("-r", "requirements.txt", options=("--require-hashes",))
    assert refused.returncode != 0
    assert wrong in refused.stdout + refused.stderr
    assert not client.has("1.0")

    file.write_text(f"{NAME}==1.0 --hash=sha256:{right}\n")
    taken = client.install("-r", "requirements.txt", options=("--require-hashes",))
    assert client.has("1.0"), taken.stderr


def skip_yanked(client: Client) -> None:
    done = client.install(NAME)

    assert client.has("2.0"), done.stderr


def lock(client: Client) -> None:
    index = ("--index-url", client.shop.index_for_all)
    if client.name == "uv":
        (client.home / "in").write_text(NAME)
        done = client.run("uv", "pip", "compile", "in", "--generate-hashes", "-o", "locked.txt", *index)
        written = client.home / "locked.txt"
    elif client.name == "pip-tools":
        (client.home / "in").write_text(NAME)
        done = client.run("pip-compile", "in", "--generate-hashes", "--no-emit-index-url", "-o", "locked.txt", *index)
        written = client.home / "locked.txt"
    elif client.name == "pdm":
        source = f'[[tool.pdm.source]]\nname = "pypi"\nurl = "{client.shop.index_for_all}"\n'
        project = f'[project]\nname = "app"\nversion = "1"\nrequires-python = ">=3.11"\ndependencies = ["{NAME}"]\n'
        (client.home / "pyproject.toml").write_text(project + source)
        done = client.run("pdm", "lock")
        written = client.home / "pdm.lock"
    else:
        done = client.run("pip", "lock", NAME, "-o", "pylock.toml", "--no-cache-dir", *index)
        written = client.home / "pylock.toml"

    assert done.returncode == 0, done.stderr
    assert uploads.sha256(uploads.wheel(NAME, "2.0")) in written.read_text()


def token_in_address(client: Client) -> None:
    refused = client.install(f"{NAME}==1.0", index=client.shop.index())
    assert refused.returncode != 0
    assert not client.has("1.0")

    done = client.install(f"{NAME}==1.0", index=client.shop.index(f"__token__:{client.shop.secret}"))
    assert client.has("1.0"), done.stderr


def netrc(client: Client) -> None:
    file = client.home / ".netrc"
    file.write_text(f"machine 127.0.0.1\nlogin __token__\npassword {client.shop.secret}\n")
    file.chmod(0o600)

    done = client.install(f"{NAME}==1.0", index=client.shop.index())

    assert client.has("1.0"), done.stderr


def keyring(client: Client) -> None:
    client.keep_in_keyring(client.shop.host)
    if client.name == "uv":
        options: tuple[str, ...] = ("--keyring-provider", "subprocess")
    elif int(client.version.partition(".")[0]) >= 23:
        options = ("--keyring-provider", "import")
    else:
        options = ()  # these use it where they can import it

    done = client.install(f"{NAME}==1.0", index=client.shop.index("__token__"), options=options)

    assert client.has("1.0"), done.stderr


def wheel_of(client: Client) -> tuple[str, str]:
    """Write a wheel of a project of the client's own; return the project and the path."""
    project = f"by-{client.name}-{client.version.replace('.', '-')}-{client.shop.access}"
    path = client.home / uploads.wheel_name(project)
    path.write_bytes(uploads.wheel(project))
    return project, str(path)


def publish(client: Client, *, with_keyring: bool = False) -> None:
    project, path = wheel_of(client)
    address, secret = client.shop.upload_address, client.shop.secret
    if with_keyring:
        project, path = f"{project}-keyring", str(client.home / uploads.wheel_name(f"{project}-keyring"))
        Path(path).write_bytes(uploads.wheel(project))
        client.keep_in_keyring(address)
    password = () if with_keyring else ("-p", secret)
    if client.name == "uv":
        done = client.run("uv", "publish", "--publish-url", address, "--token", secret, path)
    else:
        twine = ("twine", "upload", "--non-interactive", "--disable-progress-bar", "--repository-url", address)
        done = client.run(*twine, "-u", "__token__", *password, path)
    assert done.returncode == 0, done.stdout + done.stderr

    # What was published is there for another client.
    other = Client("pip==26.3", client.shop, client.home)
    listed = other.run("pip", "download", project, "--no-deps", "--no-cache-dir", "-d", "got", "--index-url",
                       client.shop.index_for_all)  # fmt: skip
    assert listed.returncode == 0, listed.stderr


def publish_with_keyring(client: Client) -> None:
    publish(client, with_keyring=True)


Cell = Callable[[Client], None]
INSTALLS: dict[str, Cell] = {
    "install": install,
    "install with hashes": install_checked,
    "skip yanked": skip_yanked,
    "token in address": token_in_address,
    "netrc": netrc,
    "keyring": keyring,
}
CLIENTS: dict[str, dict[str, Cell]] = {
    "pip==26.3": {"find": find, **INSTALLS, "lock": lock},
    "pip==24.0": {"find": find, **INSTALLS},
    "pip==21.3": {"find": find, **INSTALLS},
    "pip==20.3": INSTALLS,
    f"uv=={version_of('uv')}": {**INSTALLS, "lock": lock, "publish": publish},
    "twine==7.0.0": {"publish": publish, "keyring": publish_with_keyring},
    "twine==4.0.2": {"publish": publish, "keyring": publish_with_keyring},
    "pip-tools==7.6.2": {"lock": lock},
    "pdm==2.29.4": {"lock": lock},
    "pypi-simple==1.8.0": {"find": find_with_pypi_simple},
}
# A public site asks no installer who it is.
FOR_MEMBERS = {token_in_address, netrc, keyring}


@pytest.mark.parametrize(
    ("requirement", "ability"),
    [
        pytest.param(client, ability, id=f"{client}-{ability}")
        for client, abilities in CLIENTS.items()
        for ability in abilities
    ],
)
def test_client(
    requirement: str, ability: str, shop: Shop, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    cell = CLIENTS[requirement][ability]
    if shop.access == "public" and cell in FOR_MEMBERS:
        pytest.skip("a public site asks no installer who it is")
    record_property("cell", (requirement.replace("==", " "), ability, shop.access))

    cell(Client(requirement, shop, tmp_path))
