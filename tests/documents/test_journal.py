"""The serials of changes only grow, and each belongs to one entry."""

from typing import Any

import pytest
from flask import Flask
from packaging.utils import NormalizedName

from tests.factories import A_DAY
from webapp.documents import JournalEntry
from webapp.documents.journal import Counter, SerialTaken, lift_counter, next_serial, write_entry

JAM = NormalizedName("jam")


def fields(serial: int, **more: Any) -> dict[str, Any]:
    return {"serial": serial, "action": "new file", "at": A_DAY, **more}


def test_first_serial_is_higher_than_that_of_projects_without_changes(app: Flask) -> None:
    assert [next_serial() for _ in range(3)] == [2, 3, 4]


def test_entry_is_written_once(app: Flask) -> None:
    write_entry(JAM, fields(7, version="1.0"))
    write_entry(JAM, fields(7, version="1.0"))

    [entry] = JournalEntry.objects.plain()
    assert (entry["serial"], entry["package"], entry["action"], entry["version"]) == (7, "jam", "new file", "1.0")


@pytest.mark.parametrize(
    "other",
    [{"action": "remove file"}, {"version": "2.0"}, {"filename": "x.whl"}, {"at": A_DAY.replace(year=2001)}],
    ids=str,
)
def test_serial_of_another_entry_is_taken(app: Flask, other: dict[str, Any]) -> None:
    write_entry(JAM, fields(7, version="1.0"))

    with pytest.raises(SerialTaken, match="another entry with the serial 7"):
        write_entry(JAM, fields(7, version="1.0") | other)
    with pytest.raises(SerialTaken):
        write_entry(NormalizedName("bread"), fields(7, version="1.0"))


def test_entries_of_a_project_come_the_last_first(app: Flask) -> None:
    assert JournalEntry.objects.last_serial() == 0
    for serial in (3, 9, 5):
        write_entry(JAM, fields(serial))
    write_entry(NormalizedName("bread"), fields(12))

    assert [entry["serial"] for entry in JournalEntry.objects.about_package(JAM).plain()] == [9, 5, 3]
    assert JournalEntry.objects.last_serial() == 12


def test_counter_that_is_behind_is_lifted_and_one_that_is_not_is_left(app: Flask) -> None:
    assert not lift_counter()
    assert Counter.objects.count() == 0
    write_entry(JAM, fields(9))

    assert lift_counter()
    assert not lift_counter()
    assert next_serial() == 10
    assert lift_counter(at_least=20)
    assert not lift_counter(at_least=15)
    assert next_serial() == 21


@pytest.mark.real_server
@pytest.mark.parametrize("value", [None, "7", [], float("nan"), float("inf"), -5, 2**63 - 1], ids=str)
def test_counter_that_is_no_count_is_counted_again(app: Flask, value: Any) -> None:
    write_entry(JAM, fields(9))
    by_hand: Any = {"bypass_document_validation": True}
    Counter.objects.raw().replace_one({"_id": "journal"}, {"value": value}, upsert=True, **by_hand)

    assert [next_serial(), next_serial()] == [10, 11]


@pytest.mark.real_server
def test_counter_that_is_no_count_is_lifted(app: Flask) -> None:
    write_entry(JAM, fields(9))
    by_hand: Any = {"bypass_document_validation": True}
    Counter.objects.raw().insert_one({"_id": "journal", "value": "many"}, **by_hand)

    assert lift_counter(12)

    assert next_serial() == 13
