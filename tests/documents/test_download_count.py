import itertools
from datetime import date, datetime
from typing import Any

import pytest
from flask import Flask
from packaging.utils import NormalizedName

from tests.counting import counted, kept
from webapp.changes import site_stats
from webapp.documents import Download, DownloadCount
from webapp.documents.download_count import MOST, Fetched, _days, _sum, by_day, by_week, months, months_between

TODAY = date(2024, 3, 2)


def test_download_is_counted_for_its_release_its_project_and_the_site(app: Flask) -> None:
    counted("flask 3.0 2024-02-29", "flask 3.0 2024-03-01", "flask 2.0 2024-03-01")

    assert kept("flask/3.0/2024-02") == {
        "_id": "flask/3.0/2024-02",
        "kind": "release",
        "package": "flask",
        "version": "3.0",
        "month": "2024-02",
        "count": 1,
        "days": {"29": 1},
    }
    assert kept("flask/2024-03") == {
        "_id": "flask/2024-03",
        "kind": "project",
        "package": "flask",
        "month": "2024-03",
        "count": 2,
        "days": {"01": 2},
    }
    assert kept("2024-03") == {"_id": "2024-03", "kind": "site", "month": "2024-03", "count": 2, "days": {"01": 2}}


def test_later_downloads_are_added_to_earlier_ones(app: Flask) -> None:
    counted("flask 3.0 2024-03-01")
    counted("flask 3.0 2024-03-01", "flask 3.0 2024-03-02")

    assert kept("flask/3.0/2024-03")["days"] == {"01": 2, "02": 1}
    assert kept("2024-03")["count"] == 3


@pytest.mark.real_server  # mongomock has no error for a text that a number is added to
def test_month_that_was_broken_by_hand_stops_no_other(app: Flask, caplog: pytest.LogCaptureFixture) -> None:
    counted("flask 3.0 2024-03-01")
    DownloadCount._get_collection().update_one({"_id": "flask/3.0/2024-03"}, {"$set": {"days": "many", "count": "x"}})

    counted("flask 3.0 2024-03-01")

    assert kept("2024-03")["count"] == 2
    assert "flask/3.0/2024-03 in download_counts is damaged" in caplog.text


def test_summary_shows_thirteen_weeks_and_what_was_fetched_most_in_them(app: Flask) -> None:
    counted("flask 1.0 2023-01-01", "flask 2.0 2024-03-01", "flask 3.0 2024-03-02", "flask 3.0 2024-02-01")
    counted("click 8.0 2024-03-02", "flask 2.0 2023-12-02")  # the second a day too early

    found = DownloadCount.summary(TODAY, NormalizedName("flask"))

    assert (found["recent"], found["total"]) == (3, 5)
    assert found["top"] == [{"id": "3.0", "count": 2}, {"id": "2.0", "count": 1}]
    assert (found["days"][0]["id"], found["days"][-1]) == ("2023-12-03", {"id": "2024-03-02", "count": 1})
    assert len(found["weeks"]) == 13
    assert found["weeks"][-1] == {"id": "2024-02-25", "count": 2}


def test_summary_of_the_site_names_the_projects(app: Flask) -> None:
    counted("flask 3.0 2024-03-02", "click 8.0 2024-03-02", "click 8.1 2024-03-02", "old 1.0 2023-03-02")

    found = DownloadCount.summary(TODAY)

    assert (found["recent"], found["total"]) == (3, 4)
    assert found["top"] == [{"id": "click", "count": 2}, {"id": "flask", "count": 1}]


def test_project_that_nobody_fetched_has_nothing_to_show(app: Flask) -> None:
    found = DownloadCount.summary(TODAY, NormalizedName("flask"))

    assert (found["recent"], found["total"], found["top"]) == (0, 0, [])


@pytest.mark.parametrize(
    "odd",
    [
        {},
        {"month": "2024-03"},
        {"month": "2024-03", "days": {}},
        {"month": "soon", "days": {"01": 5}},
        {"month": "2024-03", "days": {"32": 5, "first": 5, "1": 5}},
        {"month": "2024-03", "days": {"01": "many", "02": None}},
        {"month": "2024-03", "days": {"01": -5, "02": float("nan")}},
        {"month": "2024-03", "days": {"01": 2**63 - 1, "02": [5]}},
    ],
)
def test_what_is_no_day_or_no_number_is_left_out(odd: dict[str, Any]) -> None:
    days = by_day([odd, {"month": "2024-03", "days": {"02": 7.0}}], date(2024, 3, 1), TODAY)

    assert days == [{"id": "2024-03-01", "count": 0}, {"id": "2024-03-02", "count": 7}]


def test_weeks_are_sums_of_seven_days() -> None:
    days = [{"id": f"2024-03-{day:02}", "count": day} for day in range(1, 11)]

    assert by_week(days) == [{"id": "2024-03-01", "count": 28}, {"id": "2024-03-08", "count": 27}]


def test_months_are_those_that_the_days_lie_in() -> None:
    assert months_between(date(2023, 11, 30), date(2024, 2, 1)) == ["2023-11", "2023-12", "2024-01", "2024-02"]


def test_release_without_a_project_counts_for_the_site_alone() -> None:
    assert list(months([(Fetched("", "1.0", "2024-03-01"), 2)])) == ["2024-03"]


def moved(package: str | None, version: str | None, day: str) -> None:
    Download(package=package, version=version, created_date=datetime.fromisoformat(f"{day}T12:00Z")).save()


def test_downloads_of_an_old_site_are_in_the_counts(app: Flask) -> None:
    moved("flask", "1.0", "2014-03-01")
    moved("flask", "1.0", "2014-03-01")
    moved("flask", "2.0", "2014-03-02")
    moved("click", None, "2014-03-02")
    moved(None, None, "2014-04-01")
    moved("flask", "1.0", "9999-01-01")
    counted("flask 1.0 2014-03-01")

    site_stats.refresh()

    assert kept("flask/1.0/2014-03/moved")["days"] == {"01": 2}
    assert kept("flask/2014-03/moved")["count"] == 3
    assert kept("2014-03/moved")["days"] == {"01": 2, "02": 2}
    assert kept("2014-04/moved")["count"] == 1
    assert DownloadCount.summary(date(2014, 3, 2), NormalizedName("flask"))["total"] == 4
    assert DownloadCount.summary(date(2014, 3, 2), NormalizedName("flask"))["top"] == [
        {"id": "1.0", "count": 3},
        {"id": "2.0", "count": 1},
    ]


def test_downloads_of_an_old_site_are_added_up_once_and_again_when_there_are_others(app: Flask) -> None:
    moved("flask", "1.0", "2014-03-01")
    site_stats.refresh()
    DownloadCount._get_collection().update_one({"_id": "2014-03/moved"}, {"$set": {"count": 99}})

    site_stats.refresh()
    unchanged = kept("2014-03/moved")["count"]
    Download.objects.delete()
    site_stats.refresh()

    assert unchanged == 99
    assert DownloadCount.objects.count() == 0


def test_days_of_an_old_site_are_in_order(app: Flask) -> None:
    for package, day in itertools.product(("werkzeug", "flask"), ("2014-03-20", "2014-03-03", "2014-03-11")):
        moved(package, "1.0", day)

    site_stats.refresh()

    for key in ("2014-03/moved", "flask/2014-03/moved", "werkzeug/1.0/2014-03/moved"):
        assert list(kept(key)["days"]) == ["03", "11", "20"]


def test_two_processes_that_add_up_at_once_do_not_count_twice(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    moved("flask", "1.0", "2014-03-01")
    collection = DownloadCount._get_collection()
    DownloadCount.add_moved()
    # What the other process wrote after this one had removed what was there.
    monkeypatch.setattr(type(collection), "delete_many", lambda *_: None)

    DownloadCount.add_moved()

    assert kept("2014-03/moved")["count"] == 1


@pytest.mark.parametrize(
    ("counts", "total"),
    [([5, 7], 12), ([5, None], 5), ([MOST], MOST), ([MOST + 1, 3], 3), ([-4, 3], 3), ([0, 3], 3), ([], 0)],
)
def test_months_without_a_count_that_can_be_are_left_out_of_the_sum(counts: list[int | None], total: int) -> None:
    assert _sum({} if count is None else {"count": count} for count in counts) == total


def test_day_without_downloads_is_no_day() -> None:
    assert list(_days({"month": "2024-03", "days": {"01": 0, "02": 1, "03": MOST, "04": MOST + 1}})) == [
        ("2024-03-02", 1),
        ("2024-03-03", MOST),
    ]
