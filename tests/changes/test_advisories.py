"""Importing advisories: dumps as a whole, and an operator's own."""

import json
import re
import zipfile
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

import orjson
import pytest
from flask import Flask

from tests.factories import record
from webapp.changes import advisories, search_index
from webapp.changes.advisories import CannotImport, Imported, import_dump
from webapp.documents import Advisory, AdvisoryState
from webapp.documents.base import utc_now

Record = dict[str, Any]


def dump_of(path: Path, *records: Record, **others: bytes) -> Path:
    """A dump with these records, and other files by their names without .json."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for each in records:
            archive.writestr(f"{each['id']}.json", json.dumps(each))
        for name, content in others.items():
            archive.writestr(f"{name}.json", content)
    return path


@pytest.fixture
def dump(tmp_path: Path) -> Path:
    """A dump of three advisories, one of which was withdrawn."""
    withdrawn = record("GHSA-2", withdrawn="2026-11-02T00:00:00Z")
    return dump_of(tmp_path / "all.zip", record("PYSEC-1"), withdrawn, record("MAL-3", "evil", versions=["1.0"]))


def ids() -> list[str]:
    return [each.id for each in Advisory.objects.order_by("pk")]


def counts(found: Imported) -> tuple[int, int, int, int]:
    return found.new, found.changed, found.unchanged, found.removed


def test_progress_is_told_after_each_batch(app: Flask, dump: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(advisories, "BATCH", 2)
    told: list[tuple[int, int]] = []

    import_dump(dump, lambda *each: told.append(each))

    assert told == [(2, 3), (3, 3)]


def test_dump_is_stored_with_what_the_site_compares_and_shows(app: Flask, dump: Path) -> None:
    found = import_dump(dump)

    assert counts(found) == (3, 0, 0, 0)
    stored = Advisory.objects.get(pk="MAL-3")
    assert (stored.summary, stored.severity, stored.modified) == (
        "What is wrong with evil",
        "critical",
        "2026-11-01T10:00:00Z",
    )
    assert [each.package for each in stored.affects] == ["evil"]
    assert stored.record == record("MAL-3", "evil", versions=["1.0"])
    assert Advisory.objects.get(pk="GHSA-2").withdrawn_at == datetime(2026, 11, 2, tzinfo=UTC)
    assert AdvisoryState.current()["records"] == 3
    stored.validate()


def test_first_dump_dates_its_advisories_as_they_do_themselves(app: Flask, dump: Path) -> None:
    import_dump(dump)

    assert Advisory.objects.get(pk="PYSEC-1").imported_at == datetime(2026, 11, 1, 10, tzinfo=UTC)


def test_later_dump_reads_only_what_changed(app: Flask, dump: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import_dump(dump)
    read: list[str] = []
    content = advisories._content

    def noting(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes:
        read.append(entry.filename)
        return content(archive, entry)

    monkeypatch.setattr(advisories, "_content", noting)
    changed = record("GHSA-2", modified="2026-11-20T10:00:00Z", summary="Corrected")
    before = utc_now()

    found = import_dump(dump_of(dump, record("PYSEC-1"), changed, record("PYSEC-4")))

    assert counts(found) == (1, 1, 1, 1)
    assert sorted(read) == ["GHSA-2.json", "PYSEC-4.json"]
    assert ids() == ["GHSA-2", "PYSEC-1", "PYSEC-4"]
    arrived = {each.id: each.imported_at for each in Advisory.objects}
    assert arrived["PYSEC-1"] < before <= arrived["GHSA-2"] == arrived["PYSEC-4"]
    assert Advisory.objects.get(pk="GHSA-2").withdrawn_at is None


def test_record_that_is_only_written_differently_did_not_arrive_again(app: Flask, dump: Path) -> None:
    import_dump(dump)
    before = Advisory.objects.get(pk="PYSEC-1").imported_at

    import_dump(dump_of(dump, record("PYSEC-1", schema_version="1.7.0")), may_remove_most=True)

    assert Advisory.objects.get(pk="PYSEC-1").imported_at == before
    assert Advisory.objects.get(pk="PYSEC-1").record["schema_version"] == "1.7.0"


def test_own_advisories_outlast_dumps_and_come_before_theirs(app: Flask, dump: Path, tmp_path: Path) -> None:
    own = tmp_path / "own.json"
    own.write_text(json.dumps(record("PYSEC-1", "private", summary="Ours")))

    assert advisories.add_own(own) == "PYSEC-1"
    found = import_dump(dump)

    assert counts(found) == (2, 0, 0, 0)
    assert Advisory.objects.get(pk="PYSEC-1").summary == "Ours"
    assert not advisories.remove_own("MAL-3")
    assert advisories.remove_own("PYSEC-1")
    assert counts(import_dump(dump)) == (1, 0, 2, 0)
    assert Advisory.objects.get(pk="PYSEC-1").summary == "What is wrong with example"


def test_unusable_records_are_left_out_and_named(app: Flask, dump: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(advisories, "MAX_RECORD_BYTES", 2000)
    deep: Any = []
    for _ in range(100):
        deep = [deep]
    files = {
        "other": orjson.dumps(record("A-1")),
        "broken": b"{",
        "long": orjson.dumps(record("long", details="x" * 2000)),
        "deep": orjson.dumps(record("deep", x=deep)),
        "null": orjson.dumps(record("null") | {"a\0b": 1}),
        "surrogate": b'{"id": "surrogate", "summary": "\\ud800"}',
        "large": b'{"id": "large", "x": 1' + b"0" * 1999 + b"}",
        "damaged": orjson.dumps(record("damaged")),
    }
    dump_of(dump, record("PYSEC-1"), **files)
    with zipfile.ZipFile(dump) as archive:
        [damaged] = [each for each in archive.infolist() if each.filename == "damaged.json"]
    content = bytearray(dump.read_bytes())
    content[damaged.header_offset + 30 + len(damaged.filename)] = 0xFF  # the first byte of its compressed data
    dump.write_bytes(content)

    found = import_dump(dump)

    assert ids() == ["PYSEC-1"]
    told = {each.partition(".json: ")[0]: each.partition(".json: ")[2] for each in found.left_out}
    assert told["other"] == "its id is A-1"
    assert told["broken"].startswith("it is not JSON: ")
    assert told["surrogate"].startswith("it is not JSON: ")
    assert told["long"].startswith("it has 2,")
    assert told["deep"] == "it is nested more than 80 levels deep"
    assert told["null"].startswith("MongoDB cannot store it: ")
    assert "while decompressing" in told["damaged"]
    assert set(told) == set(files)


@pytest.mark.parametrize("compression", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
@pytest.mark.parametrize("place", [0, 3, 12], ids=["start", "properties", "data"])
def test_damaged_file_is_left_out_and_named_however_it_is_compressed(
    app: Flask, tmp_path: Path, compression: int, place: int
) -> None:
    dump = tmp_path / "all.zip"
    with zipfile.ZipFile(dump, "w", compression) as archive:
        for name in ("PYSEC-1", "PYSEC-2"):
            archive.writestr(f"{name}.json", json.dumps(record(name, details="What happens " * 50)))
    damage(dump, "PYSEC-2.json", place)

    found = import_dump(dump)

    assert ids() == ["PYSEC-1"]
    assert [each.partition(": ")[0] for each in found.left_out] == ["PYSEC-2.json"]


def damage(dump: Path, filename: str, place: int = 0) -> None:
    """Change four bytes of the compressed data of the last file with this name."""
    with zipfile.ZipFile(dump) as archive:
        entry = archive.getinfo(filename)
    content = bytearray(dump.read_bytes())
    start = entry.header_offset + 30 + len(filename) + place
    content[start : start + 4] = b"\xff\xff\xff\xff"
    dump.write_bytes(content)


def test_file_in_a_compression_that_not_every_python_reads_is_left_out(app: Flask, dump: Path) -> None:
    content = bytearray(dump.read_bytes())
    with zipfile.ZipFile(dump) as archive:
        entry = archive.getinfo("MAL-3.json")
    directory = content.rindex(b"PK\1\2", 0, content.rindex(b"MAL-3.json"))
    for place in (entry.header_offset + 8, directory + 10):
        content[place : place + 2] = (93).to_bytes(2, "little")  # Zstandard
    dump.write_bytes(content)

    found = import_dump(dump)

    assert found.left_out == ["MAL-3.json: it is compressed in a way that is not read here"]
    assert ids() == ["GHSA-2", "PYSEC-1"]


def test_record_that_is_too_large_for_mongodb_only_is_left_out_and_named(app: Flask, dump: Path) -> None:
    # Each number takes two bytes in JSON, and about eleven as an element of a list in BSON.
    large = orjson.dumps(record("large", database_specific={"x": [1] * 1_500_000}))
    assert len(large) < advisories.MAX_RECORD_BYTES

    found = import_dump(dump_of(dump, record("PYSEC-1"), large=large))

    assert ids() == ["PYSEC-1"]
    [said] = found.left_out
    assert re.fullmatch(r"large\.json: it takes [\d,]+ bytes in MongoDB; at most 16,000,000 are stored", said)


def test_record_just_below_the_limit_is_stored(app: Flask, dump: Path) -> None:
    numbers = [1] * ((advisories.MAX_STORED_BYTES - 10_000) // 13)
    large = orjson.dumps(record("large", database_specific={"x": numbers}))

    assert import_dump(dump_of(dump, large=large)).left_out == []
    assert ids() == ["large"]


def with_name_in_no_encoding() -> bytes:
    """A zip file that says that its names are UTF-8, which they are not."""
    file = BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("é.json", "{}")
    return file.getvalue().replace("é".encode(), b"\xff\xfe")


def of_a_later_version() -> bytes:
    """A zip file whose only entry says that it takes version 25.5 of the format to read it."""
    file = BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("PYSEC-1.json", "{}")
    content = bytearray(file.getvalue())
    content[content.index(b"PK\1\2") + 6] = 255
    return bytes(content)


def of_npm(advisory_id: str) -> Record:
    return record(advisory_id) | {"affected": [{"package": {"name": "left-pad", "ecosystem": "npm"}}]}


@pytest.mark.parametrize(
    ("files", "why"),
    [
        ({"GHSA-2": orjson.dumps(of_npm("GHSA-2"))}, "GHSA-2.json: it affects no package of the ecosystem PyPI"),
        ({"advisory-1": orjson.dumps(record("PYSEC-1"))}, "advisory-1.json: its id is PYSEC-1"),
        ({"PYSEC-1": b"[]", "ACME-1": orjson.dumps(record("ACME-1"))}, "PYSEC-1.json: it is not a JSON object"),
    ],
    ids=["npm", "other names", "only one that is replaced by the operator's"],
)
@pytest.mark.parametrize("is_first", [True, False])
def test_dump_in_which_no_record_can_be_used_changes_nothing(
    app: Flask, dump: Path, tmp_path: Path, files: dict[str, bytes], why: str, *, is_first: bool
) -> None:
    own = tmp_path / "own.json"
    own.write_text(json.dumps(record("ACME-1", "private")))
    advisories.add_own(own)
    if not is_first:
        import_dump(dump)
    before, state = ids(), AdvisoryState.current()

    with pytest.raises(CannotImport, match=f"has no advisory that can be used.*{re.escape(why)}"):
        import_dump(dump_of(tmp_path / "npm.zip", **files), may_remove_most=True)

    assert ids() == before
    assert {**AdvisoryState.current(), "claimed_until": None} == {**state, "claimed_until": None}
    assert not [name for name in Advisory._get_db().list_collection_names() if "building" in name]


def test_dump_without_most_of_the_advisories_is_taken_only_if_asked_for(app: Flask, dump: Path) -> None:
    import_dump(dump)
    part = dump_of(dump, record("GHSA-2", withdrawn="2026-11-02T00:00:00Z"), of_npm("GHSA-5"), record("PYSEC-6"))

    with pytest.raises(CannotImport, match="has only 1 of the 3 advisories that are here"):
        import_dump(part)
    assert ids() == ["GHSA-2", "MAL-3", "PYSEC-1"]

    assert counts(import_dump(part, may_remove_most=True)) == (1, 0, 1, 2)
    assert ids() == ["GHSA-2", "PYSEC-6"]


def test_advisories_that_were_all_withdrawn_stay_readable(app: Flask, dump: Path) -> None:
    import_dump(dump)
    withdrawn = [record(each, withdrawn="2026-11-03T00:00:00Z") for each in ids()]

    found = import_dump(dump_of(dump, *withdrawn))

    assert counts(found) == (0, 3, 0, 0)
    assert Advisory.objects.standing().count() == 0


@pytest.mark.parametrize("batch", [1, 500])
def test_last_of_several_files_with_one_id_is_taken(
    app: Flask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, batch: int
) -> None:
    monkeypatch.setattr(advisories, "BATCH", batch)
    dump = tmp_path / "all.zip"
    with zipfile.ZipFile(dump, "w") as archive:
        for folder, summary in [("old", "Old"), ("new", "New"), ("same", "New")]:
            archive.writestr(f"{folder}/PYSEC-1.json", json.dumps(record("PYSEC-1", summary=summary)))
        archive.writestr("PYSEC-2.json", json.dumps(record("PYSEC-2")))

    for expected in [(2, 0, 0, 0), (0, 0, 2, 0)]:
        found = import_dump(dump)

        assert (counts(found), ids()) == (expected, ["PYSEC-1", "PYSEC-2"])
        assert found.left_out == ["old/PYSEC-1.json: same/PYSEC-1.json comes later and has the same id"]
        assert Advisory.objects.get(pk="PYSEC-1").summary == "New"


@pytest.mark.parametrize("bad", ["broken", "damaged", "of another id"])
@pytest.mark.parametrize("is_first", [True, False])
def test_bad_later_file_removes_no_good_advisory(app: Flask, tmp_path: Path, bad: str, *, is_first: bool) -> None:
    good = json.dumps(record("PYSEC-1", summary="Good"))
    dump = tmp_path / "all.zip"
    with zipfile.ZipFile(dump, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a/PYSEC-1.json", good)
    if not is_first:
        import_dump(dump)
    damaged, other = (json.dumps(record(each, summary="Bad")) for each in ("PYSEC-1", "A-1"))
    later = {"broken": "{", "damaged": damaged, "of another id": other}[bad]
    with zipfile.ZipFile(dump, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("b/PYSEC-1.json", later)
    if bad == "damaged":
        damage(dump, "b/PYSEC-1.json")

    found = import_dump(dump)

    assert Advisory.objects.get(pk="PYSEC-1").summary == "Good"
    assert counts(found) == ((1, 0, 0, 0) if is_first else (0, 0, 1, 0))
    assert [each.partition(": ")[0] for each in found.left_out] == ["b/PYSEC-1.json"]


@pytest.mark.parametrize("bad", ["broken", "damaged", "of another id"])
def test_advisory_whose_file_cannot_be_used_any_more_stays_as_it_was(app: Flask, dump: Path, bad: str) -> None:
    import_dump(dump_of(dump, record("PYSEC-1"), record("PYSEC-2")))
    newer = orjson.dumps(record("A-1" if bad == "of another id" else "PYSEC-1", summary="Bad"))
    dump_of(dump, record("PYSEC-2"), **{"PYSEC-1": b"{" if bad == "broken" else newer})
    if bad == "damaged":
        damage(dump, "PYSEC-1.json")

    found = import_dump(dump)

    assert Advisory.objects.get(pk="PYSEC-1").summary == "What is wrong with example"
    assert (counts(found), found.records) == ((0, 0, 2, 0), 2)
    assert [each.partition(": ")[0] for each in found.left_out] == ["PYSEC-1.json"]
    assert counts(import_dump(dump_of(dump, record("PYSEC-1", summary="Mended")))) == (0, 1, 0, 1)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (None, "No such file"),
        (b"", "not a zip file"),
        (b"PK\3\4 but cut off", "not a zip file"),
        (with_name_in_no_encoding(), "can't decode"),
        (of_a_later_version(), "zip file version"),
    ],
)
def test_unreadable_dump_changes_nothing(app: Flask, dump: Path, content: bytes | None, why: str) -> None:
    import_dump(dump)
    dump.unlink()
    if content is not None:
        dump.write_bytes(content)

    with pytest.raises(CannotImport, match=why):
        import_dump(dump)

    assert len(ids()) == 3


def test_dump_without_records_is_refused(app: Flask, tmp_path: Path) -> None:
    with pytest.raises(CannotImport, match=r"contains no \*\.json files"):
        import_dump(dump_of(tmp_path / "all.zip"))


def test_interrupted_import_changes_nothing_and_can_be_repeated(app: Flask, dump: Path) -> None:
    import_dump(dump)
    later = dump_of(dump, record("PYSEC-4"))

    def interrupt(_done: int, _total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        import_dump(later, interrupt)

    assert len(ids()) == 3
    assert not [name for name in Advisory._get_db().list_collection_names() if "building" in name]
    import_dump(later, may_remove_most=True)
    assert ids() == ["PYSEC-4"]


def test_only_one_command_changes_advisories_at_a_time(app: Flask, dump: Path) -> None:
    AdvisoryState.note(claimed_until=utc_now() + timedelta(minutes=1))

    with pytest.raises(CannotImport, match="another command is changing the advisories"):
        import_dump(dump)

    AdvisoryState.note(claimed_until=utc_now() - timedelta(minutes=1))
    import_dump(dump)


def test_import_that_stood_still_while_another_one_ran_changes_nothing(
    app: Flask, dump: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(advisories, "BATCH", 1)
    whole = dump_of(tmp_path / "whole.zip", *(record(f"PYSEC-{number}") for number in range(5)))
    others: list[Path] = [whole]

    def stand_still(_done: int, _total: int) -> None:
        if others:
            AdvisoryState.note(claimed_until=utc_now() - timedelta(seconds=1))  # three minutes later
            import_dump(others.pop())

    with pytest.raises(CannotImport, match="another command took over"):
        import_dump(dump, stand_still, may_remove_most=True)

    assert ids() == [f"PYSEC-{number}" for number in range(5)]
    assert not [name for name in Advisory._get_db().list_collection_names() if "building" in name]
    assert AdvisoryState.current()["filename"] == "whole.zip"
    assert AdvisoryState.current().get("claimed_until") is None


@pytest.mark.parametrize("moment", ["before the indexes", "before the swap"])
def test_import_that_stood_still_at_its_end_removes_nothing(
    app: Flask, dump: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    whole = dump_of(tmp_path / "whole.zip", *(record(f"PYSEC-{number}") for number in range(5)))
    others, renewed = [whole], []

    def stand_still() -> None:
        if others:
            AdvisoryState.note(claimed_until=utc_now() - timedelta(seconds=1))  # three minutes later
            import_dump(others.pop())

    add_indexes, renew = search_index.add_indexes, advisories._Claim.renew

    def indexes_after_a_while(document_type: Any, building: Any) -> None:
        stand_still()
        add_indexes(document_type, building)

    def swap_after_a_while(claim: Any) -> None:
        renew(claim)
        renewed.append(claim)
        if len(renewed) == 2:  # after its only batch, and before the swap
            stand_still()

    if moment == "before the indexes":
        for module in (search_index, advisories):
            monkeypatch.setattr(module, "add_indexes", indexes_after_a_while)
    else:
        monkeypatch.setattr(advisories._Claim, "renew", swap_after_a_while)

    with pytest.raises(CannotImport, match="another command took over"):
        import_dump(dump)

    assert ids() == [f"PYSEC-{number}" for number in range(5)]
    assert AdvisoryState.current()["filename"] == "whole.zip"


@pytest.mark.real_server
def test_new_collection_has_the_indexes_and_the_validator_of_the_old_one(app: Flask, dump: Path) -> None:
    import_dump(dump)

    advisories_ = Advisory.objects.raw()
    assert {each["name"] for each in Advisory._meta["index_specs"]} < set(advisories_.index_information())
    assert "validator" in advisories_.options()
