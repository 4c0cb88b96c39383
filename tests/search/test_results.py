"""Pages of results, and what would narrow them."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from webapp.documents.base import utc_now
from webapp.search.results import Found, a_year_ago, date_of, facets_of


def test_year_begins_at_midnight_so_that_a_page_stays_the_same_for_a_day() -> None:
    start = a_year_ago()

    assert (start.hour, start.minute, start.second, start.microsecond) == (0, 0, 0, 0)
    assert timedelta(days=365) <= utc_now() - start < timedelta(days=366)


def test_labels_are_counted_the_most_frequent_first_and_equally_frequent_ones_by_name() -> None:
    entries: list[dict[str, Any]] = [
        {"labels": ["license:MIT", "classifier:Topic :: C", "classifier:Topic :: B", "classifier:Topic :: A"]},
        {"labels": ["license:ISC", "license:MIT", "classifier:Programming Language :: Python"]},
        {"labels": ["classifier:License :: OSI Approved", "other:x", "classifier:Topic :: A"]},
        {"labels": None},
    ]

    facets = facets_of(entries)

    assert facets["license"] == [("MIT", 2), ("ISC", 1)]
    assert facets["language"] == [("Python", 1)]
    assert facets["classifier"] == [("Topic :: A", 2), ("Topic :: B", 1), ("Topic :: C", 1)]
    assert facets["recent"] == [("1", 0)]


def test_page_is_neither_partial_nor_of_something_else_unless_it_says_so() -> None:
    page = Found([], 1, 1, 0, more=False, facets={}, counted=0)

    assert (page.partial, page.is_instead, page.begins, page.exact_releases) == (False, False, False, None)


def test_releases_of_the_last_year_are_counted_from_its_first_day_on() -> None:
    dates = [a_year_ago(), a_year_ago() - timedelta(microseconds=1), utc_now(), None]

    facets = facets_of([{"newest_release": {"created_date": date}} for date in dates])

    assert facets["recent"] == [("1", 2)]


@pytest.mark.parametrize("entry", [{}, {"newest_release": 5}, {"newest_release": {"created_date": "2020"}}])
def test_date_that_is_none_is_before_all_others(entry: dict[str, Any]) -> None:
    assert date_of(entry, "newest_release.created_date") == datetime.min.replace(tzinfo=UTC)


def test_date_is_found_by_its_dotted_name() -> None:
    moment = datetime(2024, 3, 1, tzinfo=UTC)

    assert date_of({"newest_release": {"created_date": moment}}, "newest_release.created_date") == moment
    assert date_of({"created_date": moment}, "created_date") == moment
