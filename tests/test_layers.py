"""Imports go downward only, the start loads nothing large in vain, and tests mirror the tree."""

import ast
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

WEBAPP = Path(__file__).parents[1] / "webapp"
# The wings, the lowest first. What is not named here is a room: it may use every wing, and no other room.
WINGS = ("mongodb", "rendering", "rules", "documents", "changes", "serving", "members", "upstream", "telling", "openid")
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


ROOT = WEBAPP.parent
# What decides something. A blueprint or a folder's `init_app` without one only wires parts that have their own tests.
DECISIONS = (ast.If, ast.IfExp, ast.For, ast.While, ast.Try, ast.BoolOp, ast.Match, ast.comprehension)
WIRING = ("__init__.py", "blueprint.py")
# Modules whose tests are elsewhere, and where.
ELSEWHERE = {
    "webapp/__init__.py": "test_config.py",
    "webapp/accounts/__init__.py": "accounts/test_own_pages.py",
    "webapp/accounts/blueprint.py": "accounts/test_own_pages.py",
    "webapp/cli/__init__.py": "cli/test_documented.py",
}


def needs_tests(path: Path) -> bool:
    """Return whether a module must have a test file of its own: it has functions, and they are more than wiring.

    Forms are tested where their pages are, and documents without functions where they are written.
    """
    functions = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.FunctionDef)]
    decides = any(isinstance(node, DECISIONS) for function in functions for node in ast.walk(function))
    return path.name != "forms.py" and (decides if path.name in WIRING else bool(functions))


def place_of_test(module: Path) -> Path:
    """Return where the test of a module is: webapp/rules/naming.py -> tests/rules/test_naming.py.

    That of a package's `__init__` has the name of the package.
    """
    name = module.parent.name if module.stem == "__init__" else module.stem
    folder = module.relative_to(WEBAPP if module.is_relative_to(WEBAPP) else ROOT).parent
    return ROOT / "tests" / folder / f"test_{name}.py"


def test_every_module_has_its_test_at_its_place() -> None:
    modules = [path for tree in (WEBAPP, ROOT / "migrations_sql_to_mongo") for path in sorted(tree.rglob("*.py"))]

    without = {
        str(path.relative_to(ROOT)) for path in modules if needs_tests(path) and not place_of_test(path).exists()
    }

    assert sorted(without - set(ELSEWHERE)) == [], "write a test at its place"
    assert sorted(set(ELSEWHERE) - without) == [], "these have a test of their own by now"
    assert [place for place in ELSEWHERE.values() if not (ROOT / "tests" / place).exists()] == []


# Large, and needed by no first page. They are imported where they are used.
LOADED_LATER = (
    *("comrak", "docutils", "nh3", "pygments", "readme_renderer"),
    *("pypi_attestations", "sigstore", "sqlalchemy", "webauthn", "zxcvbn"),
)


def test_start_loads_nothing_large_that_a_first_page_does_not_need() -> None:
    program = "import json, sys, app; print(json.dumps(list(sys.modules)))"
    environment = os.environ | {"LARDER_ENV": "development", "MONGODB_URI": "mongodb://127.0.0.1:1/larder"}

    loaded = json.loads(subprocess.check_output([sys.executable, "-c", program], cwd=ROOT, env=environment, text=True))

    assert "webapp.home" in loaded
    assert sorted(set(loaded) & set(LOADED_LATER)) == []
