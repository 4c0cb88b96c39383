"""Tests of changes that go through the pages of Ada's project borrow her from the tests of those pages."""

import contextlib
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient, FlaskCliRunner

from tests.manage.conftest import NAME, ada, join, publish
from tests.publishing import uploads
from tests.rendering.stand_ins import stand_in
from webapp import rendering
from webapp.changes import changing, removal, withdrawing
from webapp.documents import Package, StoredFile, User, contents
from webapp.documents.base import utc_now

__all__ = ["ada", "join", "publish"]
PROBLEM = "It is shown as plain text: rendering it took more than 0.2 seconds of processor time."


@pytest.fixture
def breaking(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """Let the text "burn" take more processor time than a text may have; undoing this mends it."""
    with contextlib.closing(stand_in(tmp_path_factory.mktemp("renderer"))) as children:
        monkeypatch.setattr(rendering, "_shared", children)
        yield monkeypatch


Publish = Callable[..., str]
DELETIONS: dict[str, Callable[[User], Any]] = {
    "file": lambda ada: withdrawing.delete_file(NAME, "1.0", uploads.wheel_name(), ada),
    "release": lambda ada: withdrawing.delete_release(NAME, "1.0", ada),
    "project": lambda ada: withdrawing.delete_project(NAME, ada),
}
# What comes right after each step; a process that dies does not settle anything either.
STEPS = {
    "marking": (Package, "store"),
    "storing": (changing, "write_out"),
    "journal": (removal, "settle"),
}


class Killed(BaseException):
    """The process ends here: nothing that comes after it runs, as after `kill -9`."""


def killed(*_: Any, **__: Any) -> None:
    raise Killed


@pytest.fixture
def secret(client: FlaskClient) -> str:
    """The token of a member."""
    return uploads.publisher()[1]


@pytest.fixture
def killed_at(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Do something, and stop right before a step."""

    def run(act: Callable[[], Any], where: Any, name: str) -> None:
        with monkeypatch.context() as patched:
            patched.setattr(where, name, killed)
            with pytest.raises(Killed):
                act()

    return run


def die_after_the_bytes(document: dict[str, Any]) -> None:
    contents.delete(document["content_id"])
    raise Killed


def delete_and_die(monkeypatch: pytest.MonkeyPatch, what: str, after: str) -> None:
    """Delete something, and die right after this step."""
    ada = User.objects.get()
    with monkeypatch.context() as patched:
        if after == "bytes":
            patched.setattr(removal, "_remove", die_after_the_bytes)
        else:
            patched.setattr(*STEPS[after], killed)
            patched.setattr(removal, "settle", killed)
        with pytest.raises(Killed):
            DELETIONS[what](ada)


def clean(runner: FlaskCliRunner) -> str:
    """Let a minute pass, and clean up; return what that said."""
    past = utc_now() - timedelta(seconds=61)
    StoredFile._get_collection().update_many({"deleting_at": {"$exists": True}}, {"$set": {"deleting_at": past}})
    result = runner.invoke(args=["files", "clean"])
    assert result.exit_code == 0, result.output
    return result.output
