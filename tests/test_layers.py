"""Imports go downward only: rooms stand on members, serving, changes, documents, rules and mongodb."""

import ast
from pathlib import Path

import pytest

WEBAPP = Path(__file__).parents[1] / "webapp"
# The wings, the lowest first. What is not named here is a room: it may use every wing, and no other room.
WINGS = ("mongodb", "rendering", "rules", "documents", "changes", "serving", "members", "upstream")
# These stand above the rooms: they look after the database as a whole, and command the rest.
ABOVE = ("inspection", "cli")


def imports_of(path: Path) -> list[str]:
    """Return the modules of the site that a module imports: "documents.package", "rules.naming"."""
    found = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("webapp"):
            inner = node.module.removeprefix("webapp").lstrip(".")
            found += [inner] if inner else [alias.name for alias in node.names]
        elif isinstance(node, ast.Import):
            found += [alias.name.removeprefix("webapp.") for alias in node.names if alias.name.startswith("webapp.")]
    return found


def floor_of(place: str) -> int:
    """Return how high a folder of webapp/ stands, from 0."""
    if place in WINGS:
        return WINGS.index(place)
    return len(WINGS) + 1 + ABOVE.index(place) if place in ABOVE else len(WINGS)


MODULES = [path for path in sorted(WEBAPP.rglob("*.py")) if path.parent != WEBAPP]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(WEBAPP)))
def test_module_imports_only_what_stands_below_it(path: Path) -> None:
    place = path.relative_to(WEBAPP).parts[0]

    others = {name.split(".")[0] for name in imports_of(path)} - {place}

    assert [other for other in sorted(others) if floor_of(other) >= floor_of(place)] == []


def test_site_imports_no_migration() -> None:
    assert [path for path in WEBAPP.rglob("*.py") if "migrations_sql_to_mongo" in path.read_text()] == []
