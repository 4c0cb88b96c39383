"""An upload that is stopped between any two of its steps leaves a whole file, or nothing that a reader could meet."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import bson
import pytest
from flask import Flask
from flask.testing import FlaskClient, FlaskCliRunner

from tests import factories
from tests.clocks import clock_ahead
from tests.publishing import uploads
from tests.publishing.uploads import line, nothing_stays, sdist, sdist_name, sha256, upload, wheel, wheel_name
from webapp.changes import changing, claims, listing
from webapp.documents import JournalEntry, Package, StoredFile, contents, journal
from webapp.documents.base import utc_now
from webapp.documents.package import ConcurrentChange
from webapp.documents.release import own_url

ADDRESS = own_url(sha256(wheel()), wheel_name())


class Killed(BaseException):
    """The process ends here: nothing that comes after it runs, as after `kill -9`."""


@pytest.fixture
def secret(app: Flask) -> str:
    """The token of a member."""
    return uploads.publisher()[1]


@pytest.fixture
def stop_at(monkeypatch: pytest.MonkeyPatch, client: FlaskClient, secret: str) -> Callable[[str], None]:
    """Upload a file, and stop right before the step of this name."""
    steps: dict[str, tuple[Any, str]] = {
        "bytes": (contents, "put"),
        "middle of the bytes": (contents, "describe"),
        "listing": (listing, "changes"),
        "journal": (journal, "write_entry"),
        "settling": (claims.Claim, "settle"),
    }

    def stop(step: str) -> None:
        def killed(*_: Any, **__: Any) -> None:
            raise Killed

        where, name = steps[step]
        with monkeypatch.context() as patched:
            patched.setattr(where, name, killed)
            if step == "journal":
                patched.setattr("webapp.changes.changing.write_entry", killed)
            with pytest.raises(Killed):
                upload(client, secret, wheel(), wheel_name())

    return stop


def age(seconds: int) -> None:
    """Let so much time pass for every claim."""
    past = utc_now() - timedelta(seconds=seconds)
    StoredFile._get_collection().update_many({"alive_at": {"$exists": True}}, {"$set": {"alive_at": past}})


@pytest.mark.parametrize("step", ["bytes", "middle of the bytes", "listing"])
def test_nothing_of_it_can_be_met_before_the_project_lists_it(
    client: FlaskClient, runner: FlaskCliRunner, stop_at: Callable[[str], None], step: str
) -> None:
    stop_at(step)

    for address in ("/project/larder-probe/", "/simple/larder-probe/", ADDRESS, f"{ADDRESS}.metadata"):
        assert client.get(address).status_code == 404
    age(61)
    result = runner.invoke(args=["files", "clean"])
    assert result.exit_code == 0, result.output
    assert result.output.startswith("Settled 1 unfinished upload and 0 unfinished deletions")
    assert nothing_stays()


@pytest.mark.parametrize("step", ["journal", "settling"])
def test_all_of_it_is_there_once_the_project_lists_it(
    client: FlaskClient, runner: FlaskCliRunner, stop_at: Callable[[str], None], step: str
) -> None:
    stop_at(step)

    assert client.get("/project/larder-probe/1.0/").status_code == 200
    assert client.get(ADDRESS).data == wheel()
    age(61)
    runner.invoke(args=["files", "clean"])
    assert client.get(ADDRESS).data == wheel()
    assert StoredFile.objects.get().state == "stored"
    assert [entry.action for entry in JournalEntry.objects] == ["new project"]
    assert not Package.objects.get().unwritten


@pytest.mark.parametrize("step", ["bytes", "middle of the bytes", "listing", "journal", "settling"])
def test_next_upload_of_the_name_takes_over(
    client: FlaskClient, secret: str, stop_at: Callable[[str], None], step: str
) -> None:
    stop_at(step)
    age(61)

    response = upload(client, secret, wheel(), wheel_name())

    assert response.status_code == 200, response.text
    assert client.get(ADDRESS).data == wheel()
    assert contents.Contents.objects.count() == 1


def test_claim_that_may_be_alive_is_waited_for(
    client: FlaskClient, stop_at: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    stop_at("listing")
    monkeypatch.setattr(claims, "PATIENCE_S", 0.1)
    _, secret = uploads.publisher("Grace")

    response = upload(client, secret, wheel(), wheel_name())

    assert "try again in 60 s" in line(response, 503)
    assert response.headers["Retry-After"] == "60"


def test_claim_that_has_been_silent_for_long_is_not_waited_for(
    client: FlaskClient, secret: str, stop_at: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    stop_at("listing")
    monkeypatch.setattr(claims, "POLL_S", -1)  # `sleep` raises ValueError
    age(20)

    response = upload(client, secret, wheel(), wheel_name())

    said = line(response, 503)
    left_s = int(response.headers["Retry-After"])
    assert 35 <= left_s <= 40
    assert said.endswith(f"try again in {left_s} s")
    age(20 + left_s)
    assert upload(client, secret, wheel(), wheel_name()).status_code == 200


def test_upload_that_lost_its_claim_publishes_nothing(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    _, secret = uploads.publisher()
    monkeypatch.setattr(claims, "BEAT_S", -1)  # each sign of life is written, and so noticed to be in vain
    real_put = contents.put

    def put(*args: Any) -> int:
        StoredFile._get_collection().update_one({}, {"$set": {"attempt": "another"}})
        return real_put(*args)

    monkeypatch.setattr(contents, "put", put)

    response = upload(client, secret, wheel(), wheel_name())

    assert "took over" in line(response, 503)
    assert Package.objects.count() == contents.Contents.objects.count() == contents.Chunk.objects.count() == 0


def test_upload_whose_claim_was_settled_by_another_is_published(
    client: FlaskClient, secret: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def changes(*args: Any) -> Iterator[changing.Change]:
        yield from changing.changes(*args)
        age(61)
        claims.settle_leftovers()

    monkeypatch.setattr(listing, "changes", changes)

    response = upload(client, secret, wheel(), wheel_name())

    assert response.status_code == 200, response.text
    assert StoredFile.objects.get().state == "stored"
    assert client.get(ADDRESS).data == wheel()


def test_refusal_at_the_last_moment_leaves_nothing(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    _, secret = uploads.publisher()

    def store(_: Package) -> None:
        raise ConcurrentChange("changed by others")

    monkeypatch.setattr(Package, "store", store)
    monkeypatch.setattr("webapp.changes.changing.PATIENCE_S", 0)

    response = upload(client, secret, wheel(), wheel_name())

    line(response, 503)
    assert nothing_stays()


def test_bytes_that_nobody_owns_are_removed_after_an_hour(app: Flask, runner: FlaskCliRunner) -> None:
    old, young = (
        bson.ObjectId.from_datetime(utc_now() - timedelta(hours=2)),
        bson.ObjectId(),
    )
    for content_id in (old, young):
        contents.put(content_id, "lost.whl", [b"x" * 300_000])

    result = runner.invoke(args=["files", "clean"])

    assert "removed the bytes of 1 file " in result.output
    assert set(contents.Chunk.objects.scalar("files_id")) == {young}
    assert [each.id for each in contents.Contents.objects] == [young]


def test_start_of_the_site_settles_what_was_left(
    client: FlaskClient, runner: FlaskCliRunner, stop_at: Callable[[str], None]
) -> None:
    stop_at("listing")
    age(61)
    factories.package()  # so that the site does not fill itself

    runner.invoke(args=["db", "init"])

    assert StoredFile.objects.count() == 0


def test_upload_of_another_file_completes_the_journal(
    client: FlaskClient, secret: str, stop_at: Callable[[str], None]
) -> None:
    stop_at("journal")

    upload(client, secret, sdist(), sdist_name())

    assert [entry.action for entry in JournalEntry.objects.order_by("pk")] == ["new project", "new file"]


def test_name_claimed_while_the_clock_was_ahead_is_free_when_it_is_right(
    client: FlaskClient, secret: str, stop_at: Callable[[str], None]
) -> None:
    with clock_ahead():
        stop_at("bytes")

    assert upload(client, secret, wheel(), wheel_name()).status_code == 200


def test_file_without_a_state_is_not_waited_for(client: FlaskClient, secret: str) -> None:
    upload(client, secret, wheel(), wheel_name())
    StoredFile.objects.raw(may_be_lost=True).update_one({}, {"$unset": {"state": ""}})

    response = upload(client, secret, wheel(), wheel_name())

    assert "already exists with different contents" in line(response, 400)
