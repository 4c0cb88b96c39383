import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import bson
import pytest
from flask import Flask
from pymongo.errors import AutoReconnect

from tests import factories
from tests.clocks import clock_ahead
from webapp.changes import site_stats
from webapp.documents import Maintainer, Package, SiteStats
from webapp.documents.base import utc_now

AN_HOUR = 3600


def kept() -> dict[str, Any]:
    found = SiteStats._get_collection().find_one({"_id": "site"})
    assert found is not None
    return dict(found)


def made_old(days: int = 2) -> None:
    """As if the statistics had been computed days ago."""
    SiteStats._get_collection().update_one(
        {"_id": "site"}, {"$set": {"computed_at": utc_now() - timedelta(days=days), "projects": 99}}
    )


@pytest.fixture
def computations(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the threads that computed the statistics."""
    threads: list[str] = []
    compute: Callable[[], Any] = site_stats._compute

    def counted() -> Any:
        threads.append(threading.current_thread().name)
        return compute()

    monkeypatch.setattr(site_stats, "_compute", counted)
    return threads


def wait_for_background() -> None:
    for thread in threading.enumerate():
        if thread.name == "site-stats":
            thread.join(10)


def test_empty_site_counts_nothing(app: Flask) -> None:
    stats = site_stats.refresh()

    assert (stats["projects"], stats["releases"], stats["users"]) == (0, 0, 0)
    assert stats["releases_by_month"] == stats["top_maintainers"] == []
    assert [bucket["start"] for bucket in stats["sitemap_buckets"]] == [""]


def test_totals_are_counted(app: Flask) -> None:
    factories.package("one", releases=["1.0", "2.0"])
    factories.package("two", releases=["1.0"])
    factories.user()

    stats = site_stats.refresh()

    assert (stats["projects"], stats["releases"], stats["users"]) == (2, 3, 1)


def test_releases_are_counted_by_month_and_slips_of_the_hand_left_out(app: Flask) -> None:
    dates = [(2023, 12, 31), (2024, 1, 1), (2024, 1, 31), (1970, 1, 1), (2999, 1, 1)]
    releases = [factories.release(f"{n}.0", created_date=datetime(*d, tzinfo=UTC)) for n, d in enumerate(dates)]
    factories.package(releases=[*releases, factories.release("9.0", created_date=None)])

    stats = site_stats.refresh()

    assert [(row["id"], row["count"]) for row in stats["releases_by_month"]] == [("2023-12", 1), ("2024-01", 2)]


def test_most_frequent_licences_languages_and_classifiers_come_first(app: Flask) -> None:
    python, c = "Programming Language :: Python", "Programming Language :: C"
    factories.package("one", license="MIT", classifiers=[python, "Topic :: A"])
    factories.package("two", license="mit", classifiers=[python, c])
    factories.package("three", license="ISC", classifiers=["Topic :: A"])
    factories.package("four")

    stats = site_stats.refresh()

    assert stats["top_licenses"] == [
        {"id": "MIT", "name": "MIT", "count": 2},
        {"id": "ISC", "name": "ISC", "count": 1},
    ]
    assert stats["top_languages"] == [
        {"id": "python", "name": "Python", "count": 2},
        {"id": "c", "name": "C", "count": 1},
    ]
    assert stats["top_classifiers"] == [{"id": "Topic :: A", "name": "Topic :: A", "count": 2}]


def test_not_more_than_a_dozen_are_listed(app: Flask) -> None:
    factories.package(classifiers=[f"Topic :: {number:02}" for number in range(20)])

    stats = site_stats.refresh()

    assert [row["id"] for row in stats["top_classifiers"]] == [f"Topic :: {number:02}" for number in range(12)]


def test_maintainers_are_counted_under_their_present_names(app: Flask) -> None:
    ada, nameless, gone = factories.user("Ada"), factories.user(name=""), bson.ObjectId()
    factories.package("one", maintainers=[Maintainer(user_id=ada.id, name="old name"), Maintainer(user_id=gone)])
    factories.package("two", maintainers=[Maintainer(user_id=ada.id), Maintainer(user_id=nameless.id)])

    stats = site_stats.refresh()

    assert stats["top_maintainers"] == [
        {"id": str(ada.id), "name": "Ada", "count": 2},
        {"id": str(nameless.id), "name": str(nameless.id), "count": 1},
    ]


def test_sitemap_is_divided_into_buckets_with_their_youngest_change(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(site_stats, "SITEMAP_BUCKET", 2)
    for name in ("a", "b", "c", "d", "e"):
        factories.package(name)
    youngest = datetime(2030, 1, 1, tzinfo=UTC)
    Package._get_collection().update_one({"_id": "c"}, {"$set": {"updated_date": youngest}})

    buckets = site_stats.refresh()["sitemap_buckets"]

    assert [bucket["start"] for bucket in buckets] == ["", "c", "e"]
    assert [bucket["updated_date"] == youngest for bucket in buckets] == [False, True, False]


@pytest.mark.parametrize(
    "change",
    [
        {"$set": {"releases": "none"}},
        {"$set": {"releases": [5, None, {"created_date": "yesterday"}]}},
        {"$set": {"release_count": "many"}},
        {"$set": {"classifiers": 5}},
        {"$set": {"classifiers": [5, None, {}]}},
        {"$set": {"license_id": ["MIT"]}},
        {"$set": {"license_id": {"a": 1}}},
        {"$set": {"maintainers": [{"user_id": "ada"}, 5]}},
        # mongomock cannot compare dates with text.
        pytest.param({"$set": {"updated_date": "yesterday"}}, marks=pytest.mark.real_server),
        {"$unset": {"updated_date": "", "releases": "", "classifiers": "", "maintainers": "", "release_count": ""}},
    ],
    ids=str,
)
def test_package_that_was_broken_by_hand_does_not_stop_the_computation(app: Flask, change: dict[str, Any]) -> None:
    factories.package("one")
    factories.package("two", classifiers=["Topic :: A"])
    Package._get_collection().update_one({"_id": "one"}, change)

    stats = site_stats.refresh()

    assert stats["projects"] == 2
    assert stats["releases"] >= 1
    assert {"id": "Topic :: A", "name": "Topic :: A", "count": 1} in stats["top_classifiers"]


def test_statistics_are_kept_in_one_document(app: Flask) -> None:
    site_stats.refresh()
    site_stats.refresh()

    assert SiteStats._get_collection().count_documents({}) == 1
    assert kept()["took_ms"] >= 0
    assert "claimed_until" not in kept()


def test_young_statistics_are_not_computed_again(app: Flask, computations: list[str]) -> None:
    site_stats.current(AN_HOUR)
    factories.package()

    stats = site_stats.current(AN_HOUR)

    wait_for_background()
    assert stats["projects"] == 0
    assert len(computations) == 1


def test_site_that_has_none_waits_for_its_statistics(app: Flask, computations: list[str]) -> None:
    factories.package()

    stats = site_stats.current(AN_HOUR)

    assert stats["projects"] == 1
    assert computations == ["MainThread"]


def test_old_statistics_are_shown_while_others_are_computed_beside_the_request(
    app: Flask, computations: list[str]
) -> None:
    site_stats.refresh()
    made_old()

    shown = site_stats.current(AN_HOUR)

    wait_for_background()
    assert shown["projects"] == 99
    assert computations[1:] == ["site-stats"]
    assert site_stats.current(AN_HOUR)["projects"] == 0


def test_one_of_many_processes_computes(app: Flask, computations: list[str]) -> None:
    site_stats.refresh()
    made_old()

    claims = [SiteStats.objects.claim("site", site_stats.ALIVE) for _ in range(3)]
    shown = site_stats.current(AN_HOUR)

    wait_for_background()
    assert claims == [True, False, False]
    assert shown["projects"] == 99
    assert len(computations) == 1


def test_claim_of_a_process_that_died_runs_out(app: Flask) -> None:
    site_stats.refresh()
    SiteStats.objects.claim("site", site_stats.ALIVE)
    SiteStats._get_collection().update_one({}, {"$set": {"claimed_until": utc_now() - timedelta(seconds=1)}})

    assert SiteStats.objects.claim("site", site_stats.ALIVE)


def test_what_took_long_is_repeated_less_often(app: Flask, computations: list[str]) -> None:
    site_stats.refresh()
    made_old(days=1)
    SiteStats._get_collection().update_one({}, {"$set": {"took_ms": 3600_000}})

    site_stats.current(60)

    wait_for_background()
    assert len(computations) == 1


@pytest.mark.parametrize(
    "broken", [{"computed_at": "yesterday"}, {"took_ms": "long"}, {"sitemap_buckets": "none"}, {"note": "extra"}]
)
def test_statistics_that_were_broken_by_hand_are_no_error(app: Flask, broken: dict[str, Any]) -> None:
    site_stats.refresh()
    SiteStats._get_collection().update_one({}, {"$set": broken})

    stats = site_stats.current(AN_HOUR)

    assert stats["projects"] == 0


def test_database_that_goes_away_during_the_computation_is_logged_once(
    app: Flask, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def away() -> None:
        raise AutoReconnect("away")

    site_stats.refresh()
    monkeypatch.setattr(site_stats, "_compute", away)

    site_stats._refresh_in_background()

    assert [record.message for record in caplog.records] == ["the site's statistics could not be computed: away"]


def test_releases_are_counted_from_the_first_month_of_2000_on(app: Flask) -> None:
    days = [datetime(1999, 12, 31, tzinfo=UTC), datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)]
    releases = [factories.release(f"{number}.0", created_date=day) for number, day in enumerate(days, start=1)]
    factories.package(releases=releases)

    site_stats.refresh()

    assert [(each["id"], each["count"]) for each in kept()["releases_by_month"]] == [("2000-01", 1)]


def test_statistics_of_a_time_when_the_clock_was_ahead_are_computed_again(app: Flask, computations: list[str]) -> None:
    with clock_ahead():
        site_stats.refresh()

    site_stats.current(AN_HOUR)
    wait_for_background()

    assert computations == ["MainThread", "site-stats"]
    assert kept()["computed_at"] <= utc_now()
