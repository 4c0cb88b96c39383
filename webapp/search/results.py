"""The results of a search: pages, and the facets that would narrow it."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from webapp.documents.base import Plain, utc_now
from webapp.documents.search_entry import LANGUAGE
from webapp.search.ranking import texts

# What a word counts in each field. A word is in only one of them, the first in which an entry has it.
A_YEAR = timedelta(days=365)
_NO_DATE = datetime.min.replace(tzinfo=UTC)


class Found(NamedTuple):
    """One page of results."""

    items: list[Plain]
    page: int
    pages: int
    total: int  # or at least this many
    more: bool  # there are more than `total`
    facets: dict[str, list[tuple[str, int]]]
    counted: int  # the number of results in which the facets were counted
    partial: bool = False  # nothing has all the words; these have some of them
    is_instead: bool = False  # nothing was found; these are for what the reader may have meant
    begins: bool = False  # the first result's name starts with the query
    exact_releases: int | None = None  # of the project with exactly this name, if found


def a_year_ago() -> datetime:
    """Return the start of the day a year ago, so that a page stays the same during a day."""
    return (utc_now() - A_YEAR).replace(hour=0, minute=0, second=0, microsecond=0)


def facets_of(entries: list[Plain]) -> dict[str, list[tuple[str, int]]]:
    """Count the labels of entries: what would narrow the search, and to how many results."""
    counts = Counter(label for entry in entries for label in texts(entry, "labels"))
    facets: dict[str, list[tuple[str, int]]] = {"license": [], "language": [], "classifier": []}
    for label, count in sorted(counts.items(), key=lambda pair: (-pair[1], pair[0])):
        kind, _, value = label.partition(":")
        if kind == "license":
            facets["license"].append((value, count))
        elif value.startswith(LANGUAGE):
            facets["language"].append((value.removeprefix(LANGUAGE), count))
        elif kind == "classifier" and not value.startswith("License ::"):
            facets["classifier"].append((value, count))
    year = a_year_ago()
    facets["recent"] = [("1", sum(date_of(entry, "newest_release.created_date") >= year for entry in entries))]
    return facets


def date_of(entry: Plain, field: str) -> datetime:
    """Return a date by its dotted name, or the earliest possible one."""
    value: Any = entry
    for part in field.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    return value if isinstance(value, datetime) else _NO_DATE
