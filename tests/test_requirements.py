"""The pinned requirements: whatever is installed is the very file that was pinned."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PINNED = sorted(path.name for path in ROOT.glob("requirements*.txt"))


@pytest.mark.parametrize("name", PINNED)
def test_every_requirement_has_a_version_and_hashes(name: str) -> None:
    text = re.sub(r" *#.*", "", (ROOT / name).read_text()).replace("\\\n", " ")

    requirements = [line for line in text.splitlines() if line.strip()]

    assert requirements
    for line in requirements:
        assert re.match(r"[a-z0-9-]+(\[[a-z0-9,-]+\])?==\S+ .*--hash=sha256:[0-9a-f]{64}", line), line


def test_everything_that_installs_them_requires_the_hashes() -> None:
    places = [ROOT / "Makefile", ROOT / "Dockerfile", ROOT / ".ci" / "run", ROOT / "README.md", *ROOT.glob("docs/*.md")]
    commands = [line for place in places for line in place.read_text().splitlines() if "pip install" in line]

    from_files = [line for line in commands if re.search(r"-r \S*requirements|^INSTALL", line)]

    assert len(from_files) >= 4
    assert [line for line in from_files if "--require-hashes" not in line] == []
