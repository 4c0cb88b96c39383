"""Changes of a package: stored at the end of their block, made again when somebody was faster."""

import ast
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskCliRunner
from packaging.utils import NormalizedName

from tests import factories
from webapp.changes import changing
from webapp.changes.changing import Act, changes
from webapp.documents import Counter, JournalEntry, Package
from webapp.documents.base import utc_now
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


def removed_by_a_process_that_died(*entries: dict[str, Any]) -> None:
    factories.package("example")
    at = utc_now()
    unwritten = [{"at": at, **entry} for entry in entries]
    Package.objects.raw().update_one({}, {"$set": {"unwritten": unwritten, "last_serial": 1001, "releases": []}})


def test_removal_is_finished_in_whatever_order_its_entries_are() -> None:
    removed_by_a_process_that_died({"serial": 1001, "action": "remove project"}, {"serial": 1000, "action": "import"})

    for change in changes(NormalizedName("example"), None):
        with change:
            assert change.is_new

    assert Package.objects.count() == 0
    assert JournalEntry.objects.last_deletion("example")


def test_removal_that_cannot_be_finished_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    removed_by_a_process_that_died({"serial": 1001, "action": "remove project"})
    monkeypatch.setattr(changing, "PATIENCE_S", 0)
    monkeypatch.setattr(changing, "write_out_of", lambda _: None)

    with pytest.raises(ConcurrentChange, match="is being removed"):
        next(changes(NormalizedName("example"), None))


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


def actions() -> list[tuple[str, str]]:
    """The journal, oldest first."""
    return [(entry.package, entry.action) for entry in JournalEntry.objects.order_by("pk")]


def set_counter_back(value: int) -> None:
    Counter.objects.raw().update_one({"_id": "journal"}, {"$set": {"value": value}})


def act(name: str, *actions: str) -> None:
    for action in actions:
        for change in changes(NormalizedName(name), None):
            with change:
                change.package.name = name
                change.act = Act(action)


@pytest.mark.parametrize("value", [0, 1, 3])
def test_counter_that_is_behind_loses_no_entry(value: int) -> None:
    factories.package("first")
    factories.package("second")
    act("first", "yank", "unyank")
    set_counter_back(value)

    act("second", "describe")
    act("first", "describe")

    assert actions() == [
        *(("first", "import"), ("second", "import"), ("first", "yank"), ("first", "unyank")),
        *(("second", "describe"), ("first", "describe")),
    ]
    for name in ("first", "second"):
        package = Package.objects.get(pk=name)
        assert package.last_serial == JournalEntry.objects.about_package(name).last_serial()
        assert not package.unwritten


def test_entries_left_in_a_package_get_new_serials_in_their_order(monkeypatch: pytest.MonkeyPatch) -> None:
    factories.package("first")
    factories.package("second")
    set_counter_back(1)
    with monkeypatch.context() as patched:
        patched.setattr(changing, "write_out", lambda *_: None)  # killed before it copies them
        act("new", "new project", "new file", "describe")

    changing.write_out_leftovers()
    changing.write_out_leftovers()

    assert actions()[2:] == [("new", "new project"), ("new", "new file"), ("new", "describe")]
    assert Package.objects.get(pk="new").last_serial == JournalEntry.objects.last_serial()
    assert not Package.objects.get(pk="new").unwritten


def test_entry_that_is_already_there_is_written_once() -> None:
    factories.package("first")
    entry = JournalEntry.objects.get()
    fields = {"serial": entry.serial, "action": entry.action, "at": entry.at}

    changing.write_out(NormalizedName("first"), [fields])

    assert actions() == [("first", "import")]


def test_counter_is_lifted_when_the_site_starts(runner: FlaskCliRunner) -> None:
    factories.package("first")
    act("first", "yank", "unyank")
    last = JournalEntry.objects.last_serial()
    Counter.objects.delete()

    runner.invoke(args=["db", "init"])

    assert Counter.objects.get().value >= last
