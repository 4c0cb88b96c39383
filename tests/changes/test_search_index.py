"""The entries that searches read stay in step with the packages, whoever wrote these."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskCliRunner
from pymongo.errors import AutoReconnect

from tests import factories
from tests.clocks import clock_ahead
from webapp.changes import search_index
from webapp.documents import DOCUMENTS, Package, SearchEntry, SearchState, SearchWord, ensure_indexes
from webapp.documents.base import utc_now


def entries() -> dict[str, Any]:
    return {entry["_id"]: entry for entry in SearchEntry._get_collection().find()}


def test_entry_is_written_with_its_package(app: Flask) -> None:
    factories.package("Flask-Login", summary="Log people in", license="MIT", classifiers=["Topic :: A :: B"])

    entry = entries()["flask-login"]

    assert (entry["name"], entry["letters"], entry["release_count"]) == ("Flask-Login", "flasklogin", 1)
    assert entry["name_words"] == ["flask", "login"]
    assert entry["summary_words"] == ["log", "peopl"]
    assert entry["labels"] == ["license:MIT", "classifier:Topic :: A", "classifier:Topic :: A :: B"]
    assert entry["prefixes"][:2] + entry["prefixes"][-1:] == ["f", "fl", "flasklog"]


def test_entry_of_an_earlier_state_does_not_replace_a_later_one(app: Flask) -> None:
    package = factories.package("example", summary="new")
    entry = entries()["example"]

    SearchEntry.store(entry | {"summary": "old", "made_from": factories.A_DAY})

    assert entries()["example"]["summary"] == "new"
    assert package.updated_date


def in_step() -> bool:
    """Tell whether the entries are what a rebuild would make of the packages."""
    before = entries()
    search_index.rebuild()
    return before == entries()


@pytest.fixture
def caught_up(app: Flask) -> Flask:
    """A site with three packages, whose entries are in step."""
    for name in ("one", "two", "three"):
        factories.package(name)
    search_index.catch_up()
    return app


def test_nothing_to_catch_up_with_writes_nothing(caught_up: Flask) -> None:
    assert search_index.catch_up() == 0
    assert in_step()


def test_package_that_was_edited_by_hand_is_caught_up_with(caught_up: Flask) -> None:
    change = {"$set": {"summary": "Bread", "updated_date": utc_now()}}
    Package._get_collection().update_one({"_id": "two"}, change)

    assert search_index.catch_up() == 1
    assert entries()["two"]["summary_words"] == ["bread"]
    assert in_step()


def test_deleted_and_unnoticed_packages_are_caught_up_with(caught_up: Flask) -> None:
    packages = Package._get_collection()
    copied = packages.find_one({"_id": "one"})
    assert copied is not None
    packages.delete_many({"_id": {"$in": ["one", "two"]}})
    packages.insert_one(copied | {"_id": "zzz", "updated_date": factories.A_DAY})

    assert search_index.catch_up() == 3
    assert set(entries()) == {"three", "zzz"}
    assert in_step()


@pytest.mark.real_server
def test_collection_that_was_put_in_the_place_of_the_packages_is_noticed(caught_up: Flask) -> None:
    packages = Package._get_collection()
    packages.aggregate([{"$set": {"summary": "Bread"}}, {"$out": "packages_moved"}])
    Package._get_db()["packages_moved"].rename("packages", dropTarget=True)

    ensure_indexes(DOCUMENTS)
    search_index.catch_up()

    assert {tuple(entry["summary_words"]) for entry in entries().values()} == {("bread",)}


def test_entries_of_another_form_are_made_anew(caught_up: Flask) -> None:
    SearchState.objects(pk="state").update(set__form=0)
    SearchEntry.objects(pk="one").update(unset__letters=True)

    assert search_index.catch_up() == 3
    assert entries()["one"]["letters"] == "one"


@pytest.mark.real_server
def test_of_several_sites_that_start_at_once_one_rebuilds_the_entries(app: Flask) -> None:
    for number in range(30):
        factories.package(f"project-{number}")
    for _ in range(3):
        SearchState.objects.delete()
        SearchEntry.objects.delete()
        beginning = threading.Barrier(6)

        def start(_: int, beginning: threading.Barrier = beginning) -> int:
            beginning.wait()
            return search_index.catch_up()

        with ThreadPoolExecutor(6) as sites:
            assert sorted(sites.map(start, range(6))) == [0, 0, 0, 0, 0, 30]
        assert len(entries()) == 30
        assert [state.pk for state in SearchState.objects] == ["state"]


def test_rebuild_waits_for_another_one(caught_up: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search_index, "PAUSE_S", 0.01)
    assert SearchState.objects.claim(search_index.REBUILDING, search_index.ALIVE)

    with ThreadPoolExecutor(1) as site:
        rebuilt = site.submit(search_index.rebuild)
        with pytest.raises(TimeoutError):
            rebuilt.result(0.3)
        SearchState.objects(pk=search_index.REBUILDING).delete()

        assert rebuilt.result(10) == 3


def test_rebuild_does_not_wait_for_a_process_that_was_killed_long_ago(caught_up: Flask) -> None:
    assert SearchState.objects.claim(search_index.REBUILDING, timedelta(seconds=-1))

    assert search_index.rebuild() == 3


def test_step_of_a_rebuild_that_takes_long_does_not_let_another_process_take_over(
    caught_up: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search_index, "ALIVE", timedelta(seconds=1))
    add_indexes = search_index.add_indexes
    signs = []

    def slowly(*building: Any) -> None:
        add_indexes(*building)
        begun = time.monotonic()
        claimed_until = SearchState.objects.get(pk=search_index.REBUILDING).claimed_until
        while time.monotonic() < begun + 10:
            if SearchState.objects.get(pk=search_index.REBUILDING).claimed_until > claimed_until:
                signs.append("alive")
                return
            time.sleep(0.05)

    monkeypatch.setattr(search_index, "add_indexes", slowly)

    search_index.rebuild()

    assert signs == ["alive", "alive"]  # while the entries and while the words got their indexes
    assert not SearchState.objects(pk=search_index.REBUILDING).count()


def test_odd_packages_stop_nothing(caught_up: Flask) -> None:
    odd = {"name": 7, "summary": ["x"], "classifiers": "x", "keywords": [1, "bread"], "description": {}, "latest": 3}
    Package._get_collection().insert_one({"_id": "odd", **odd})
    Package._get_collection().insert_one({"_id": 12})

    assert search_index.rebuild() >= 4
    assert entries()["odd"]["summary_words"] == ["bread"]
    assert set(entries()) == {"one", "two", "three", "odd"}


def test_frequent_words_and_labels_are_counted(app: Flask) -> None:
    for number in range(3):
        factories.package(f"p{number}", summary="Parsing", license="MIT")

    search_index.count_words()

    words = {word["_id"]: word for word in SearchWord._get_collection().find()}
    assert words["pars"]["packages"] == words["license:MIT"]["packages"] == 3
    assert words["pars"]["written"] == "parsing"
    assert "p1" not in words


def test_one_process_at_a_time_catches_up(app: Flask) -> None:
    assert SearchState.objects.claim(search_index.STATE, search_index.ALIVE)
    assert not SearchState.objects.claim(search_index.STATE, search_index.ALIVE)


def test_process_that_ends_while_it_catches_up_holds_up_nobody_for_long(
    caught_up: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search_index, "ALIVE", timedelta(seconds=1))
    claims = []

    def catch_up() -> int:
        for _ in range(2):
            claims.append(SearchState.objects.get(pk=search_index.STATE).claimed_until)
            begun = time.monotonic()
            while SearchState.objects.get(pk=search_index.STATE).claimed_until == claims[-1]:
                assert time.monotonic() < begun + 10
                time.sleep(0.05)
        raise AutoReconnect("the database was killed")

    def keep_state(values: dict[str, Any]) -> None:
        raise AutoReconnect("the database is away")

    monkeypatch.setattr(search_index, "catch_up", catch_up)
    monkeypatch.setattr(search_index, "_keep_state", keep_state)

    search_index._catch_up_or_log(60)

    assert claims == sorted(set(claims))  # extended while it worked
    assert SearchState.objects.get(pk=search_index.STATE).claimed_until <= utc_now() + timedelta(seconds=1)


def test_package_deleted_by_hand_is_noticed_whatever_mongodb_says_of_the_number(caught_up: Flask) -> None:
    """MongoDB's own count can be wrong after a crash. Here a document that is not a package makes it the same again."""
    Package._get_collection().delete_one({"_id": "two"})
    Package._get_collection().insert_one({"_id": 12})

    search_index.catch_up()

    assert set(entries()) == {"one", "three"}


def test_background_work_catches_up_and_notes_when_it_did(caught_up: Flask) -> None:
    Package._get_collection().update_one({"_id": "two"}, {"$set": {"summary": "Bread", "updated_date": utc_now()}})

    search_index._catch_up_or_log(60)

    assert entries()["two"]["summary_words"] == ["bread"]
    state = SearchState._get_collection().find_one({"_id": search_index.STATE}) or {}
    assert utc_now() - state["looked_at"] < timedelta(minutes=1)
    assert state["claimed_until"] is None


def test_background_work_that_was_done_lately_is_not_done_again(caught_up: Flask) -> None:
    search_index._catch_up_or_log(60)
    Package._get_collection().update_one({"_id": "two"}, {"$set": {"summary": "Bread", "updated_date": utc_now()}})

    search_index._catch_up_or_log(60)

    assert entries()["two"]["summary_words"] != ["bread"]


def test_background_work_that_was_done_while_the_clock_was_ahead_is_done_again(caught_up: Flask) -> None:
    with clock_ahead():
        search_index._catch_up_or_log(60)
    Package._get_collection().update_one({"_id": "two"}, {"$set": {"summary": "Bread", "updated_date": utc_now()}})

    search_index._catch_up_or_log(60)

    assert entries()["two"]["summary_words"] == ["bread"]


def test_catching_up_notes_the_last_change_that_it_saw(caught_up: Flask) -> None:
    SearchState._get_collection().update_one({"_id": search_index.STATE}, {"$set": {"reached": factories.A_DAY}})
    later = utc_now() - timedelta(seconds=1)
    Package._get_collection().update_many({}, {"$set": {"updated_date": later}})

    search_index.catch_up()

    state = SearchState._get_collection().find_one({"_id": search_index.STATE}) or {}
    assert state["reached"] == later


def test_command_makes_all_entries_anew(runner: FlaskCliRunner, caught_up: Flask) -> None:
    Package._get_collection().update_one({"_id": "two"}, {"$set": {"summary": "Bread"}})

    result = runner.invoke(args=["db", "rebuild-search"])

    assert result.exit_code == 0, result.output
    assert result.stdout == "The search index has 3 packages.\n"
    assert entries()["two"]["summary_words"] == ["bread"]


def test_words_that_packages_kept_before_are_removed_at_the_first_start_after_an_upgrade(caught_up: Flask) -> None:
    packages = Package._get_collection()
    packages.create_index([("search_words", 1)], name="by_word")
    packages.update_many({}, {"$set": {"search_words": ["one"]}})
    SearchState._get_collection().delete_many({})

    search_index.catch_up()

    assert "by_word" not in packages.index_information()
    assert packages.count_documents({"search_words": {"$exists": True}}) == 0
