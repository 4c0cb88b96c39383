"""Changes of a package: stored at the end of their block, made again when somebody was faster."""

import ast
from pathlib import Path

import pytest
from packaging.utils import NormalizedName

from tests import factories
from webapp.changes import changing
from webapp.changes.changing import Act, changes
from webapp.documents import JournalEntry, Package
from webapp.documents.package import ConcurrentChange

pytestmark = pytest.mark.usefixtures("app")

CODE = Path(__file__).parents[2] / "webapp"


def outrun(name: str) -> None:
    """Change a package, as another process would."""
    package = Package.objects.get(pk=name)
    package.summary = f"{package.summary or ''}+"
    package.store()


def change_and_fail(name: NormalizedName) -> None:
    for change in changes(name, None):
        with change:
            change.package.summary = "not kept"
            change.act = Act("describe")
            raise ZeroDivisionError


def change_while_outrun(name: NormalizedName) -> None:
    for change in changes(name, None):
        with change:
            outrun(name)
            change.act = Act("describe")


def test_block_that_was_outrun_runs_again_on_what_was_stored_last() -> None:
    factories.package("example", summary="")
    seen = []

    for change in changes(NormalizedName("example"), None):
        with change:
            seen.append(change.package.summary)
            if len(seen) < 3:
                outrun(NormalizedName("example"))
            change.package.keywords = ["changed"]
            change.act = Act("describe")

    assert [text or "" for text in seen] == ["", "+", "++"]
    stored = Package.objects.get(pk="example")
    assert (stored.summary, stored.keywords) == ("++", ["changed"])
    assert [entry.action for entry in JournalEntry.objects(package="example").order_by("pk")] == ["import", "describe"]


def test_block_without_an_act_stores_nothing() -> None:
    factories.package("example", summary="as before")

    for change in changes(NormalizedName("example"), None):
        with change:
            change.package.summary = "not kept"

    assert Package.objects.get(pk="example").summary == "as before"


def test_error_in_a_block_comes_through_and_nothing_is_stored() -> None:
    factories.package("example", summary="as before")

    with pytest.raises(ZeroDivisionError):
        change_and_fail(NormalizedName("example"))

    assert Package.objects.get(pk="example").summary == "as before"
    for change in changes(NormalizedName("example"), None):  # nothing is locked any more
        with change:
            change.act = Act("describe")


def test_package_that_others_keep_changing_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    factories.package("example")
    monkeypatch.setattr(changing, "PATIENCE_S", 0)

    with pytest.raises(ConcurrentChange):
        change_while_outrun(NormalizedName("example"))


def test_no_block_leaves_its_loop_before_its_change_is_stored() -> None:
    loops = [
        (path.name, loop)
        for path in CODE.rglob("*.py")
        for loop in ast.walk(ast.parse(path.read_text()))
        if isinstance(loop, ast.For) and isinstance(loop.iter, ast.Call)
        if isinstance(loop.iter.func, ast.Name) and loop.iter.func.id in ("changes", "project_changes")
    ]

    left = [name for name, loop in loops for each in ast.walk(loop) if isinstance(each, ast.Return | ast.Break)]
    assert len(loops) > 8
    assert left == []
