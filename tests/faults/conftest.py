"""The figures that the tests of faults find: printed at the end, and kept in the file that $FIGURES names."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

Keep = Callable[..., None]
KEPT: list[str] = []


@pytest.fixture
def figures() -> Keep:
    """Keep a line of figures."""

    def keep(what: str, **found: object) -> None:
        shown = (f"{name.replace('_', ' ')} {_shown(value)}" for name, value in found.items())
        KEPT.append(f"{what}: {'; '.join(shown)}")

    return keep


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if KEPT:
        terminalreporter.section("figures")
        terminalreporter.write_line("\n".join(KEPT))
        if name := os.environ.get("FIGURES"):
            Path(name).write_text("\n".join(KEPT) + "\n")


def _shown(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.2f}"
    if isinstance(value, dict):
        return ", ".join(f"{key} x {count}" for key, count in value.items())
    return str(value)
