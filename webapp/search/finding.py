"""What a search finds, at a cost that does not grow with the number of projects.

The rarest of the words and filters leads: its entries are read in the order of an index, a bounded number of them is
looked at, and at most RANKED that have all the rest are ranked exactly. docs/architecture.md has the measurements.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, NamedTuple

from flask import abort

from webapp import wording
from webapp.documents import Package, SearchEntry, SearchWord
from webapp.documents.base import Plain, as_declared, utc_now
from webapp.documents.search_entry import CLASSIFIER, ESTABLISHED, LANGUAGE, LICENSE, MAX_PREFIX
from webapp.pagination import MAX_ITEMS, PER_PAGE
from webapp.search.query import Query

# Entries of the leading word that a search looks at: first so many, and, where too few of them have all the rest, so
# many more. An aggregation reads 4 MB ahead of what it needs (MongoDB 6.0): asked once, it would always read all.
WINDOWS = (150, 250)
# What has all the rest is ranked, so many at most.
RANKED = 100
# Where another order is asked for, a word with at most so many entries is sorted; for others all entries are walked
# through in that order, in such windows.
SORTED = 2000
WALKED = (200, 800, 2000)
# Descriptions that are searched for a phrase.
DESCRIPTIONS = 50

WEIGHTS = {"name_words": 10, "summary_words": 5, "text_words": 1}
TIERS = tuple(WEIGHTS)
ORDERS = {
    "relevance": ("Relevance", ESTABLISHED),
    "updated": ("Newest release", [("newest_release.created_date", -1), ("_id", 1)]),
    "newest": ("Newest project", [("created_date", -1), ("_id", 1)]),
    "name": ("A–Z", [("_id", 1)]),
}
# What is read of each entry that is ranked: what is shown, compared and counted.
_READ = dict.fromkeys(
    ("name", "letters", "summary", "latest", "newest_release", "release_count", "created_date", "labels",
     "name_words", "summary_words"), 1
)  # fmt: skip
A_YEAR = timedelta(days=365)
_NO_DATE = datetime.min.replace(tzinfo=UTC)

BY_LETTERS = [("letters", 1), ("_id", 1)]

Condition = dict[str, Any]


class Filters(NamedTuple):
    """What narrows a search beside its words; all of it holds at once."""

    license: str = ""
    classifiers: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()  # "Python :: 3.12"
    recent: bool = False  # a release in the last year

    def labels(self) -> list[str]:
        """Return the labels that an entry must have."""
        licenses = [LICENSE + self.license] if self.license else []
        languages = [CLASSIFIER + LANGUAGE + language for language in self.languages]
        return [*licenses, *languages, *(CLASSIFIER + classifier for classifier in self.classifiers)]


class Term(NamedTuple):
    """A value that an entry must have in one of some fields, the one where it weighs most first."""

    fields: tuple[str, ...]
    value: str
    packages: int = 0  # how many have it; 0 for a few

    def condition(self) -> Condition:
        """Return what MongoDB is asked."""
        either = [{field: self.value} for field in self.fields]
        return either[0] if len(either) == 1 else {"$or": either}


class Source(NamedTuple):
    """Where answers come from: what leads, what else must hold, and the order in which an index has them."""

    leading: Condition
    rest: list[Condition]
    order: list[tuple[str, int]] = ESTABLISHED


class Found(NamedTuple):
    """One page of answers."""

    items: list[Plain]
    page: int
    pages: int
    total: int  # or at least so many
    more: bool  # there are more than `total`
    facets: dict[str, list[tuple[str, int]]]
    counted: int  # the number of answers that the facets were counted in
    partial: bool = False  # nothing has all the words; these have some
    is_instead: bool = False  # nothing was found; this is for what the reader may have meant
    begins: bool = False  # the first answer's name begins with the query
    exact_releases: int | None = None  # of the project that has exactly this name, if it is among the answers


class Search:
    """One search: a query, filters, an order, and the questions that they lead to."""

    def __init__(self, query: Query, filters: Filters, order: str = "relevance") -> None:
        self.query, self.filters, self.order = query, filters, order
        self._entries = SearchEntry._get_collection()
        self.frequencies = SearchWord.objects.frequencies([*query.words, *query.fields, *filters.labels()])
        fields = ("name_words",) if query.only_stop_words else TIERS
        self.words = [self._term(fields, word) for word in query.words]
        self.labels = [self._term(("labels",), label) for label in filters.labels()]
        self.labels += [self._term(("field_words",), word) for word in query.fields]
        self.others: list[Condition] = [{field: {"$ne": word}} for word in query.excluded for field in TIERS]
        if filters.recent:
            self.others.append({"newest_release.created_date": {"$gte": a_year_ago()}})
        self.letters = wording.letters(query.text)
        self.name = "-".join(wording.written_words(query.text))

    def _term(self, fields: tuple[str, ...], value: str) -> Term:
        return Term(fields, value, self.frequencies.get(value, 0))

    def page(self, number: int) -> Found:
        """Return a page of what has all the words."""
        if not self.query.is_empty and not (self.words or self.labels or self.others or self.letters):
            return _page_of([], number)
        if self.order != "relevance" or not (self.words or self.labels or self.letters):
            return self._in_order(number)
        ranked = self._ranked(self._with_phrases(self._candidates(self._sources(self.words))))
        return self._ranked_page(number, ranked)._replace(
            begins=bool(ranked) and self._begins(ranked[0]), exact_releases=self._exact_releases(ranked)
        )

    def _exact_releases(self, ranked: list[Plain]) -> int | None:
        is_exact = bool(ranked) and ranked[0]["_id"] == self.name
        count = ranked[0].get("release_count") if is_exact else None
        return count if isinstance(count, int) else 0 if is_exact else None

    def _ranked_page(self, number: int, ranked: list[Plain]) -> Found:
        if not ranked and self.has_parts:
            return _page_of([], 1)
        if len(ranked) < RANKED:
            return _page_of(ranked, number)
        total = self._known_total()
        if number * PER_PAGE <= RANKED:
            return _page_of(ranked, number, total)
        return self._deep_page(number, ranked, total)

    def _known_total(self) -> int | None:
        """Return how many entries have a single word, as it was counted last; None where nobody counted."""
        terms = [*self.words, *self.labels]
        known = terms[0].packages if len(terms) == 1 and not self.others else 0
        # Fewer than were found: the site has grown since they were counted.
        return known if known > RANKED else None

    def _sources(self, words: list[Term]) -> Iterator[Source]:
        """Give what leads and what else must hold: the name, the names that begin so, then the words."""
        narrowing = [term.condition() for term in self.labels] + self.others
        if self.letters:
            if len(self.letters) <= MAX_PREFIX:
                yield Source({"letters": self.letters}, narrowing, BY_LETTERS)
                yield Source({"prefixes": self.letters}, narrowing)
            else:
                begins = {"$gte": self.letters, "$lt": self.letters + "\uffff"}
                yield Source({"letters": begins}, narrowing, BY_LETTERS)
        terms = [*words, *self.labels]
        if not words and self.letters:
            return
        leading = min(terms, key=lambda term: term.packages)
        rest = [term.condition() for term in terms if term is not leading] + self.others
        for field in leading.fields:
            yield Source({field: leading.value}, rest)

    def _candidates(self, sources: Iterable[Source], most: int | None = None) -> list[Plain]:
        """Return the first entries of the sources, each entry once."""
        most = most or RANKED
        found: dict[Any, Plain] = {}
        for leading, rest, order in sources:
            # A project that begins so has the word, too: an entry that stands already comes once more.
            if len(found) < most:
                for entry in self._read(Source(leading, rest, order), WINDOWS, most):
                    found.setdefault(entry["_id"], entry)
        return list(found.values())[:most]

    def _read(self, source: Source, windows: tuple[int, ...], most: int) -> list[Plain]:
        """Return the first entries of a source, looking at no more of them than the windows have."""
        leading, rest, order = source
        start: list[Condition] = [{"$match": leading}, {"$sort": dict(order)}]
        if not rest:
            return list(self._entries.aggregate([*start, {"$limit": most}, {"$project": _READ}]))
        found: list[Plain] = []
        skip = 0
        for window in windows:
            if len(found) < most:
                looked_at: list[Condition] = [{"$skip": skip}, {"$limit": window}, {"$match": {"$and": rest}}]
                wanted: list[Condition] = [{"$limit": most - len(found)}, {"$project": _READ}]
                found += self._entries.aggregate([*start, *looked_at, *wanted])
                skip += window
        return found

    def _with_phrases(self, candidates: list[Plain]) -> list[Plain]:
        """Return those that have the phrases in name or summary, and of the first others those whose description has.

        A description is a part of the package, which may be megabytes, so only some are read.
        """
        if not self.query.phrases:
            return candidates
        read = {entry["_id"] for entry in candidates if not self._shows_phrases(entry)}
        asked = [key for entry in candidates if (key := entry["_id"]) in read][:DESCRIPTIONS]
        patterns = [{"description": {"$regex": _pattern(phrase), "$options": "i"}} for phrase in self.query.phrases]
        having = Package._get_collection().find({"_id": {"$in": asked}, "$and": patterns}, {"_id": 1}) if asked else []
        read -= {package["_id"] for package in having}
        return [entry for entry in candidates if entry["_id"] not in read]

    def _shows_phrases(self, entry: Plain) -> bool:
        shown = " ".join(wording.written_words(f"{entry.get('name')} | {entry.get('summary')}"))
        return all(f" {' '.join(phrase)} " in f" {shown} " for phrase in self.query.phrases)

    def _ranked(self, candidates: list[Plain]) -> list[Plain]:
        """Put the project of exactly this name first, then the names that begin so, then the heaviest words.

        What weighs the same stays in the order of the candidates.
        """
        words = set(self.query.words)

        def rank(entry: Plain) -> tuple[int, float]:
            if entry["_id"] == self.name:
                return 0, 0
            if self._begins(entry):
                return (1 if entry["letters"] == self.letters else 2), 0
            return 3, -weight(entry, words)

        return sorted(candidates, key=rank)

    def _begins(self, entry: Plain) -> bool:
        letters = entry.get("letters")
        return bool(self.letters) and isinstance(letters, str) and letters.startswith(self.letters)

    @property
    def has_parts(self) -> bool:
        """Tell whether some of the words may be found where all of them are not."""
        return len(self.words) > 1 and not self.query.phrases

    def page_of_some(self, number: int) -> Found:
        """Return a page of what has as many of the words as possible, the rarest words leading."""
        words = sorted(self.words, key=lambda term: term.packages)[:4]
        narrowing = [term.condition() for term in self.labels] + self.others
        sources = [Source({field: term.value}, narrowing) for field in TIERS for term in words if field in term.fields]
        found: dict[Any, Plain] = {}
        for source in sources:
            for entry in self._candidates([source], RANKED // len(words)):
                found.setdefault(entry["_id"], entry)
        stems = set(self.query.words)
        heaviest = sorted(found.values(), key=lambda entry: -weight(entry, stems))
        return _page_of(heaviest[:RANKED], number)._replace(partial=bool(heaviest))

    def _in_order(self, number: int) -> Found:
        """Return a page in the order of a date or of the name."""
        order = ORDERS["updated" if self.order == "relevance" else self.order][1]
        terms = [*self.words, *self.labels]
        if not terms and not self.others:
            return self._everything(order, number)
        leading = min(terms, key=lambda term: term.packages, default=None)
        everything = self._entries.estimated_document_count()
        most = max(RANKED, number * PER_PAGE)
        conditions = [term.condition() for term in terms] + self.others
        if leading is None or leading.packages > SORTED or leading.packages**2 > most * everything:
            found = self._read(Source({}, conditions, order), WALKED, most)
            # The walk may have ended before the last one was met.
            page = _page_of(found[:RANKED], number, len(found), found[(number - 1) * PER_PAGE : number * PER_PAGE])
            return page._replace(more=True)
        rest = [term.condition() for term in terms if term is not leading] + self.others
        keys: list[Plain] = []
        for field in leading.fields:
            # Without other conditions the index has all that is read here, the date of the first release excepted.
            also: list[Condition] = [{"$match": {"$and": rest}}] if rest else []
            start: list[Condition] = [{"$match": {field: leading.value}}, {"$sort": dict(ESTABLISHED)}]
            dates = {"$project": {name: 1 for name, _ in order if name != "_id"} or {"_id": 1}}
            last: list[Condition] = [dates, {"$sort": dict(order)}, {"$limit": most}]
            keys += self._entries.aggregate([*start, {"$limit": SORTED}, *also, *last])
        total = len(keys)
        if total >= most:
            total = self._entries.count_documents({"$and": conditions}, limit=SORTED)
        for field, direction in reversed(order):
            keys.sort(key=partial(_key, field), reverse=direction < 0)
        ids = [key["_id"] for key in keys[:most]]
        entries = {entry["_id"]: entry for entry in self._entries.find({"_id": {"$in": ids}}, _READ)}
        found = [entries[key] for key in ids if key in entries]
        return _page_of(found[:RANKED], number, total, found[(number - 1) * PER_PAGE : number * PER_PAGE])

    def _everything(self, order: list[tuple[str, int]], number: int) -> Found:
        """Return a page of all projects."""
        skip = (number - 1) * PER_PAGE
        total = self._entries.estimated_document_count()
        if skip >= min(total, MAX_ITEMS):
            return _page_of([], number, total)
        first = self._read(Source({}, [], order), (), RANKED)
        if skip < RANKED:
            return _page_of(first, number, total)
        # The keys are skipped in the index; only the entries of the page are read.
        keys = self._entries.find({}, {"_id": 1, **dict.fromkeys((field for field, _ in order), 1)})
        ids = [entry["_id"] for entry in keys.sort(order).skip(skip).limit(PER_PAGE)]
        entries = {entry["_id"]: entry for entry in self._entries.find({"_id": {"$in": ids}}, _READ)}
        return _page_of(first, number, total, [entries[key] for key in ids if key in entries])

    def _deep_page(self, number: int, ranked: list[Plain], total: int | None) -> Found:
        """Return a page behind those that are ranked: the sources one after the other, without what came before."""
        skip = (number - 1) * PER_PAGE
        items: list[Plain] = []
        before: list[Condition] = []
        for leading, rest, order in self._sources(self.words):
            question: Condition = {"$and": [leading, *rest, *({"$nor": [earlier]} for earlier in before)]}
            before.append(leading)
            count = self._entries.count_documents(question, limit=skip + PER_PAGE + 1)
            if skip < count:
                wanted = PER_PAGE + 1 - len(items)
                items += list(self._entries.find(question, _READ).sort(order).skip(skip).limit(wanted))
            skip = max(0, skip - count)
            if len(items) > PER_PAGE:
                break
        if total is None and items:
            total = (number - 1) * PER_PAGE + len(items)
        return _page_of(ranked, number, total or 0, items[:PER_PAGE])


def weight(entry: Plain, words: set[str]) -> int:
    """Return what the words of a query weigh in an entry: 10 in the name, 5 in the summary, 1 elsewhere."""
    in_name = words.intersection(_texts(entry, "name_words"))
    in_summary = words.intersection(_texts(entry, "summary_words")) - in_name
    return len(in_name) * 10 + len(in_summary) * 5 + len(words) - len(in_name) - len(in_summary)


def a_year_ago() -> datetime:
    """Return the day a year ago; a whole day, so that a page stays the same during one."""
    return (utc_now() - A_YEAR).replace(hour=0, minute=0, second=0, microsecond=0)


def facets_of(entries: list[Plain]) -> dict[str, list[tuple[str, int]]]:
    """Count the labels of some entries: what would narrow the search, and to how many."""
    counts = Counter(label for entry in entries for label in _texts(entry, "labels"))
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
    facets["recent"] = [("1", sum(_date(entry, "newest_release.created_date") >= year for entry in entries))]
    return facets


def _pattern(phrase: tuple[str, ...]) -> str:
    # The words consist of letters and digits, so nothing in them has a meaning in a regular expression.
    return r"\b" + r"[\W_]+".join(phrase) + r"\b"


def _page_of(ranked: list[Plain], number: int, total: int | None = None, items: list[Plain] | None = None) -> Found:
    """Return a page. `total` is known to be more than were ranked; without it, more are there than could be counted.

    A page past the end answers 404.
    """
    more = total is None and len(ranked) >= RANKED
    found = max(len(ranked), total or 0)
    listed = min(found, MAX_ITEMS)
    pages = max(1, -(-listed // PER_PAGE)) + more
    if number > pages or (number > 1 and items is not None and not items):
        abort(404, f"There are only {pages} pages here." if pages > 1 else "There is only one page here.")
    if items is None:
        items = ranked[(number - 1) * PER_PAGE : number * PER_PAGE]
    shown = [plain for item in items if "normalized_name" in (plain := as_declared(SearchEntry, item))]
    return Found(shown, number, pages, listed, more or found > MAX_ITEMS, facets_of(ranked), len(ranked))


def _texts(entry: Plain, field: str) -> list[str]:
    # An entry that somebody edited by hand may hold anything.
    values = entry.get(field)
    return [value for value in values if isinstance(value, str)] if isinstance(values, list) else []


def _key(field: str, entry: Plain) -> Any:
    return str(entry["_id"]) if field == "_id" else _date(entry, field)


def _date(entry: Plain, field: str) -> datetime:
    value: Any = entry
    for part in field.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    return value if isinstance(value, datetime) else _NO_DATE
