"""The commands of docs/operating.md."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def blocks(heading: str) -> list[str]:
    """The blocks of commands and files under a heading."""
    page = (ROOT / "docs" / "operating.md").read_text("utf-8")
    section = re.split(r"^#", page.partition(f"\n{heading}\n")[2], maxsplit=1, flags=re.MULTILINE)[0]
    found = re.findall(r"(?:^    .*\n)+", section, re.MULTILINE)
    assert found, heading
    return [re.sub(r"^    ", "", block, flags=re.MULTILINE) for block in found]


def adapted(commands: str, others: dict[str, str]) -> str:
    """Commands with what is different here; each of it is there."""
    for before, after in others.items():
        assert before in commands, before
        commands = commands.replace(before, after)
    return commands
