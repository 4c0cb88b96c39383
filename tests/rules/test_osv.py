"""Records in the OSV format, and which versions they affect."""

from datetime import UTC, datetime
from typing import Any

import pytest

from tests.factories import record
from webapp.rules import naming, osv
from webapp.rules.osv import BadAdvisory

Events = list[dict[str, str]]


def read_events(*events: dict[str, str], versions: tuple[str, ...] = ()) -> dict[str, Any]:
    """What is affected, as it is stored."""
    made = record("PYSEC-2026-1", versions=list(versions))
    made["affected"][0]["ranges"] = [{"type": "ECOSYSTEM", "events": list(events)}]
    affected = osv.read(made).affected[0]
    return affected._asdict() | {"ranges": [each._asdict() for each in affected.ranges]}


def affected_of(affected: dict[str, Any], *versions: str) -> list[str]:
    return [version for version in versions if osv.affects(affected, naming.sort_key(version))]


def test_a_range_has_its_first_version_and_not_the_one_that_fixes_it() -> None:
    affected = read_events({"introduced": "1.0"}, {"fixed": "1.2"})

    tried = ("0.9", "1.0rc1", "1.0", "1.1.post1", "1.2.dev0", "1.2rc1", "1.2", "1.2.post1", "2.0")
    assert affected_of(affected, *tried) == ["1.0", "1.1.post1", "1.2.dev0", "1.2rc1"]


def test_the_last_affected_version_is_affected_and_a_local_one_after_it_is_not() -> None:
    affected = read_events({"introduced": "1.0"}, {"last_affected": "1.2"})

    assert affected_of(affected, "1.2", "1.2.0", "1.2+local", "1.2.post1", "1.2.1") == ["1.2", "1.2.0"]


def test_zero_is_before_every_version() -> None:
    affected = read_events({"introduced": "0"}, {"fixed": "1.0"})

    assert affected_of(affected, "0.dev0", "0a1", "0", "0.9-ivysaur", "1.0") == ["0.dev0", "0a1", "0", "0.9-ivysaur"]


def test_epochs_and_other_spellings_are_compared_as_pep_440_does() -> None:
    affected = read_events({"introduced": "1!0"}, {"fixed": "v1!2.0"}, versions=("3.0", "1.0-RC.1"))

    assert affected_of(affected, "5.0", "1!1", "1!2", "3", "3.0.0", "1.0rc1") == ["1!1", "3", "3.0.0", "1.0rc1"]


def test_events_may_be_in_any_order_and_a_range_without_end_never_ends() -> None:
    affected = read_events({"introduced": "3.0"}, {"fixed": "1.5"}, {"introduced": "1.0"}, {"last_affected": "2.0"})

    assert affected_of(affected, "1.4", "1.5", "2.0", "2.9", "3.0", "99") == ["1.4", "3.0", "99"]


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        ([{"introduced": "0"}, {"fixed": "1.0"}, {"introduced": "1.0"}, {"fixed": "2.0"}], ["0.5", "1.0", "1.5"]),
        ([{"introduced": "1.0"}, {"fixed": "1.0"}], []),
        ([{"introduced": "0"}, {"limit": "1.5"}], ["0.5", "1.0"]),
        ([{"introduced": "0"}, {"limit": "*"}], ["0.5", "1.0", "1.5", "2.0"]),
        ([{"fixed": "1.0"}], []),
        ([], []),
    ],
)
def test_ranges_that_touch_are_one_and_empty_ones_stay_empty(events: Events, expected: list[str]) -> None:
    assert affected_of(read_events(*events), "0.5", "1.0", "1.5", "2.0") == expected


def test_listed_versions_are_kept_only_where_no_range_has_them() -> None:
    affected = read_events({"introduced": "1.0"}, {"fixed": "2.0"}, versions=("1.0", "1.5", "0.1"))

    assert affected["versions"] == [naming.sort_key("0.1")]
    assert affected["fixed_in"] == ["2.0"]


def test_entries_for_one_project_are_read_together_and_other_ecosystems_are_left_out() -> None:
    made = record("GHSA-1", "Some_Project", fixed="1.5")
    made["affected"] += record("", "some-project", introduced="2.0", fixed="2.3")["affected"]
    made["affected"] += [{"package": {"name": "some-project", "ecosystem": "npm"}, "versions": ["9.9"]}]

    (affected,) = osv.read(made).affected

    assert affected.package == "some-project"
    assert affected.fixed_in == ["1.5", "2.3"]
    assert affected.versions == []


def test_first_fixed_version_is_the_lowest_one_that_is_higher() -> None:
    affected = read_events({"introduced": "0"}, {"fixed": "1.10"}, {"introduced": "2.0"}, {"fixed": "2.1"})

    fixes = [osv.first_fixed(affected, naming.sort_key(version)) for version in ("1.2", "2.0", "2.1")]
    assert fixes == ["1.10", "2.1", None]


def test_times_are_read_to_the_millisecond() -> None:
    said = osv.read(record("A-1", modified="2026-11-01T10:00:00.123456Z", withdrawn="2026-11-02T00:00:00Z"))

    assert said.modified == "2026-11-01T10:00:00.123456Z"
    assert said.modified_at == datetime(2026, 11, 1, 10, 0, 0, 123000, tzinfo=UTC)
    assert said.withdrawn_at == datetime(2026, 11, 2, tzinfo=UTC)


@pytest.mark.parametrize(
    ("summary", "details", "expected"),
    [
        ("In short", "At length.", "In short"),
        (None, "## Heading\nMore", "Heading"),
        (None, "It is version 1.2 that fails. More.", "It is version 1.2 that fails"),
        ("  ", "x" * 300, "x" * 199 + "…"),
        (None, None, ""),
    ],
)
def test_summary_is_the_first_sentence_of_the_details_if_there_is_none(
    summary: str | None, details: str | None, expected: str
) -> None:
    assert osv.read(record("A-1", summary=summary, details=details)).summary == expected


@pytest.mark.parametrize(
    ("made", "why"),
    [
        ([], "not a JSON object"),
        ({}, "no usable `id`"),
        (record("../x"), "no usable `id`"),
        (record("A-1", modified=None), "`modified` is missing"),
        (record("A-1", modified="yesterday"), "`modified` is 'yesterday'"),
        (record("A-1", published="2026-02-30T00:00:00Z"), "`published` is '2026-02-30"),
        (record("A-1", withdrawn=3), "`withdrawn` is 3"),
        (record("A-1", schema_version="2.0.0"), "schema_version is '2.0.0'"),
        (record("A-1", affected=[]), "no package of the ecosystem PyPI"),
        (record("A-1", affected="all"), "`affected` is not a list"),
        (record("A-1", "-"), "is not a project name"),
        (record("A-1", versions=[1]), "`versions` has something other than text"),
        (record("A-1", fixed=2), "an event has something other than text"),
    ],
)
def test_unusable_records_are_refused_with_the_reason(made: Any, why: str) -> None:
    with pytest.raises(BadAdvisory, match=why):
        osv.read(made)


def test_record_without_some_projects_keeps_the_others_and_what_is_of_another_ecosystem() -> None:
    entries = [entry for name in ("Jam.Jar", "rice") for entry in record("", name)["affected"]]
    elsewhere = {"package": {"name": "jam-jar", "ecosystem": "npm"}}
    made = record("PYSEC-2026-1", affected=[*entries, elsewhere, "edited by hand"])

    left = osv.without(made, ["jam-jar"])

    assert left == made | {"affected": [entries[1], elsewhere, "edited by hand"]}
    assert osv.without({"affected": "edited by hand"}, ["jam-jar"]) == {"affected": "edited by hand"}
