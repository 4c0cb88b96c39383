"""How clients write and read lock files."""

from typing import NamedTuple

from tests.clients.programs import PIP, UV

POETRY, PDM, PIPENV, PIP_TOOLS = "poetry==2.5.1", "pdm==2.29.4", "pipenv==2026.10.3", "pip-tools==7.6.2"
Command = tuple[str, ...]


class Written(NamedTuple):
    """How a client writes a lock file. INDEX stands for the address of the index."""

    client: str
    commands: tuple[Command, ...]
    file: str


class Reader(NamedTuple):
    """How a client installs it into an empty home."""

    client: str
    commands: tuple[Command, ...]


UV_LOCK = ("uv", "lock", "--default-index", "INDEX")
WRITTEN = {
    "uv pip compile --generate-hashes": Written(
        UV, (("uv", "pip", "compile", "in", "--generate-hashes", "-o", "r.txt", "--index-url", "INDEX"),), "r.txt"
    ),
    "uv export --format pylock.toml": Written(
        UV,
        (UV_LOCK, ("uv", "export", "--format", "pylock.toml", "--no-emit-project", "-o", "pylock.toml", *UV_LOCK[2:])),
        "pylock.toml",
    ),
    "uv lock": Written(UV, (UV_LOCK,), "uv.lock"),
    "pip lock": Written(
        PIP, (("pip", "lock", "-r", "in", "-o", "pylock.toml", "--no-cache-dir", "--index-url", "INDEX"),),
        "pylock.toml",
    ),
    "pip-compile --generate-hashes": Written(
        PIP_TOOLS,
        (("pip-compile", "in", "--generate-hashes", "--no-emit-index-url", "--no-emit-trusted-host", "-o", "r.txt",
          "--index-url", "INDEX"),),
        "r.txt",
    ),
    "poetry lock": Written(POETRY, (("poetry", "lock", "-n"),), "poetry.lock"),
    "poetry export": Written(POETRY, (("poetry", "lock", "-n"), ("poetry", "export", "-n", "-o", "r.txt")), "r.txt"),
    "pdm lock": Written(PDM, (("pdm", "lock"),), "pdm.lock"),
    "pdm export": Written(PDM, (("pdm", "lock"), ("pdm", "export", "-o", "r.txt")), "r.txt"),
    "pdm export -f pylock": Written(
        PDM, (("pdm", "lock"), ("pdm", "export", "-f", "pylock", "-o", "pylock.toml")), "pylock.toml"
    ),
    "pipenv lock": Written(PIPENV, (("pipenv", "lock"),), "Pipfile.lock"),
}  # fmt: skip

WITH_HASHES = ("--target", "got", "--index-url", "INDEX", "--require-hashes", "-r", "r.txt")
PIP_HASHES = Reader(PIP, (("pip", "install", "--no-cache-dir", *WITH_HASHES),))
UV_HASHES = Reader(UV, (("uv", "pip", "install", *WITH_HASHES),))
PIP_PYLOCK = Reader(
    PIP, (("pip", "install", "--no-cache-dir", "--target", "got", "--index-url", "INDEX", "-r", "pylock.toml"),)
)
UV_PYLOCK = Reader(UV, (("uv", "pip", "install", "--target", "got", "--index-url", "INDEX", "-r", "pylock.toml"),))
READ = {
    "uv pip compile --generate-hashes": (PIP_HASHES, UV_HASHES),
    "uv export --format pylock.toml": (PIP_PYLOCK, UV_PYLOCK),
    "uv lock": (Reader(UV, (("uv", "sync", "--locked", "--no-install-project", *UV_LOCK[2:]),)),),
    "pip lock": (PIP_PYLOCK, UV_PYLOCK),
    "pip-compile --generate-hashes": (
        PIP_HASHES,
        UV_HASHES,
        Reader(
            PIP_TOOLS,
            (
                ("python", "-m", "venv", ".venv"),
                ("pip-sync", "r.txt", "--python-executable", ".venv/bin/python", "--index-url", "INDEX"),
            ),
        ),
    ),
    "poetry lock": (Reader(POETRY, (("poetry", "sync", "-n"),)),),
    "poetry export": (PIP_HASHES, UV_HASHES),
    "pdm lock": (Reader(PDM, (("pdm", "sync"),)),),
    "pdm export": (PIP_HASHES, UV_HASHES),
    "pdm export -f pylock": (PIP_PYLOCK, UV_PYLOCK),
    "pipenv lock": (Reader(PIPENV, (("pipenv", "sync"),)),),
}
# Which reader to try with which file: the heading of the table, the writer and the reader.
CELLS = {("Locked by", f"`{writer}`", reader.client): reader for writer, readers in READ.items() for reader in readers}
