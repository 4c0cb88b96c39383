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

from webapp.documents import Package, SearchEntry, SearchWord
from webapp.documents.base import Plain, as_declared, utc_now
from webapp.documents.search_entry import CLASSIFIER, ESTABLISHED, LANGUAGE, LICENSE, MAX_PREFIX
from webapp.rules import wording
from webapp.search.query import Query
from webapp.serving.pagination import MAX_ITEMS, PER_PAGE

# Entries of the leading word that a search looks at in each field, and, where they do not fill a page, so many more.
# To look at one costs 15 us.
LOOKED_AT, MORE_LOOKED_AT = 120, 400
# A page far behind looks at so many.
FAR_LOOKED_AT = 2000
# What has all the rest is ranked, so many at most.
RANKED = 100
# Where another order is asked for, so many entries of a word are sorted, fewer where the index does not hold all that
# is compared; or all entries are walked through in that order, in such windows, until there are enough.
SORTED, SORTED_READ = 10_000, 1000
WALKED = (200, 800, 2000)
# To look at an entry costs so many times as much as to sort one in the index.
WALKING_COSTS = 4
# Descriptions that are searched for a phrase.
DESCRIPTIONS = 30

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
    ("name", "letters", "summary", "latest", "newest_release", "release_count", "created_date", "status", "labels",
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
        self._entries = SearchEntry.objects.raw()
        self.frequencies = SearchWord.objects.frequencies([*query.words, *query.fields, *filters.labels()])
        fields = ("name_words",) if query.only_stop_words else TIERS
        self.words = [self._term(fields, word) for word in query.words]
        self.labels = [self._term(("labels",), label) for label in filters.labels()]
        self.labels += [self._term(("field_words",), word) for word in query.fields]
        self.others: list[Condition] = [{field: {"$ne": word}} for word in query.excluded for field in TIERS]
        if filters.recent:
            self.others.append({"newest_release.created_date": {"$gte": a_year_ago()}})
        self.is_cut = False  # there may be answers behind the entries that were looked at
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
            found = _page_of(ranked, number)
            return found._replace(more=self.is_cut)
        total = self._known_total()
        if number * PER_PAGE <= RANKED:
            return _page_of(ranked, number, total)
        return self._far_page(number, ranked, total)

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
        if not leading.packages:
            # All that have it are ranked, so the fields need not be asked one after the other.
            yield Source(leading.condition(), rest)
            return
        for field in leading.fields:
            yield Source({field: leading.value}, rest)

    def _candidates(self, sources: Iterable[Source]) -> list[Plain]:
        """Return the first entries of the sources, each entry once."""
        found: dict[Any, Plain] = {}
        asked: list[Source] = []

        def read(source: Source, skip: int, looked_at: int) -> None:
            # A word is in one of the fields, so only a project that begins so comes once more.
            once = sum(not self._begins(entry) for entry in found.values())
            self._add(found, self._read(source, skip, looked_at, RANKED - once))

        for source in sources:
            if len(found) < RANKED:
                asked.append(source)
                read(source, 0, LOOKED_AT)
        narrowed, looked_at = [source for source in asked if source.rest], LOOKED_AT
        if narrowed and len(found) < PER_PAGE and not any(self._begins(entry) for entry in found.values()):
            for source in narrowed:
                if len(found) < RANKED:
                    read(source, LOOKED_AT, MORE_LOOKED_AT)
            looked_at += MORE_LOOKED_AT
        frequencies = [term.packages for term in (*self.words, *self.labels)]
        self.is_cut = bool(narrowed) and min(frequencies, default=0) > looked_at
        return list(found.values())[:RANKED]

    @staticmethod
    def _add(found: dict[Any, Plain], entries: Iterable[Plain]) -> None:
        for entry in entries:
            found.setdefault(entry["_id"], entry)

    def _read(self, source: Source, skip: int, looked_at: int, most: int = RANKED) -> list[Plain]:
        """Return the first entries of a source; where some conditions are left, of so many that are looked at.

        An aggregation reads 4 MB ahead of what it needs (MongoDB 6.0), so the number that is looked at bounds the cost.
        """
        leading, rest, order = source
        steps: list[Condition] = [{"$match": leading}, {"$sort": dict(order)}]
        if rest:
            steps += [{"$skip": skip}, {"$limit": looked_at}, {"$match": {"$and": rest}}]
        return list(self._entries.aggregate([*steps, {"$limit": most}, {"$project": _READ}]))

    def _with_phrases(self, candidates: list[Plain]) -> list[Plain]:
        """Return those that have the phrases in name or summary, and of the first others those whose description has.

        A description is a part of the package, which may be megabytes, so only some are read.
        """
        if not self.query.phrases:
            return candidates
        read = {entry["_id"] for entry in candidates if not self._shows_phrases(entry)}
        asked = [key for entry in candidates if (key := entry["_id"]) in read][:DESCRIPTIONS]
        patterns = [{"description": {"$regex": _pattern(phrase), "$options": "i"}} for phrase in self.query.phrases]
        having = Package.objects.raw().find({"_id": {"$in": asked}, "$and": patterns}, {"_id": 1}) if asked else []
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
        found: dict[Any, Plain] = {}
        for term in words:
            self._add(found, self._read(Source(term.condition(), narrowing), 0, LOOKED_AT)[: RANKED // len(words)])
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
        everything, most = self._entries.estimated_document_count(), number * PER_PAGE + 1
        rest = [term.condition() for term in terms if term is not leading] + self.others
        is_indexed = not rest and self.order != "newest"
        sortable = SORTED if is_indexed else SORTED_READ
        if leading and leading.packages <= sortable and leading.packages**2 <= WALKING_COSTS * most * everything:
            return self._sorted(leading, rest, order, sortable, number)
        conditions = [term.condition() for term in terms] + self.others
        found = self._walked(conditions, order, most)
        items = found[(number - 1) * PER_PAGE : number * PER_PAGE]
        # The walk may have ended before the last one was met.
        total = self._known_total() or len(found)
        return _page_of(found[:RANKED], number, total, items)._replace(more=not self._known_total())

    def _sorted(
        self, leading: Term, rest: list[Condition], order: list[tuple[str, int]], most: int, number: int
    ) -> Found:
        """Return a page of all entries of a term, sorted without reading more of them than what is compared."""
        keys: dict[Any, Plain] = {}
        dates = {name: 1 for name, _ in order if name != "_id"} or {"_id": 1}
        for field in leading.fields:
            steps: list[Condition] = [{"$match": {field: leading.value}}, {"$sort": dict(ESTABLISHED)}]
            steps += [{"$limit": most}, *([{"$match": {"$and": rest}}] if rest else []), {"$project": dates}]
            self._add(keys, self._entries.aggregate([*steps, {"$sort": dict(order)}, {"$limit": MAX_ITEMS}]))
        entries = list(keys.values())
        for name, direction in reversed(order):
            entries.sort(key=partial(_key, name), reverse=direction < 0)
        ranked = self._entries_of([entry["_id"] for entry in entries[:RANKED]])
        items = self._entries_of([entry["_id"] for entry in entries[(number - 1) * PER_PAGE : number * PER_PAGE]])
        return _page_of(ranked, number, len(entries), items)

    def _walked(self, conditions: list[Condition], order: list[tuple[str, int]], most: int) -> list[Plain]:
        """Return the first entries that have all this, as many as the windows hold."""
        found: list[Plain] = []
        skip = 0
        for window in WALKED:
            if len(found) < most:
                steps: list[Condition] = [{"$sort": dict(order)}, {"$skip": skip}, {"$limit": window}]
                steps += [{"$match": {"$and": conditions}}, {"$limit": most - len(found)}, {"$project": _READ}]
                found += self._entries.aggregate(steps)
                skip += window
        return found

    def _entries_of(self, keys: list[Any]) -> list[Plain]:
        """Return what a page shows of these entries, in their order."""
        entries = {entry["_id"]: entry for entry in self._entries.find({"_id": {"$in": keys}}, _READ)}
        return [entries[key] for key in keys if key in entries]

    def _everything(self, order: list[tuple[str, int]], number: int) -> Found:
        """Return a page of all projects."""
        skip = (number - 1) * PER_PAGE
        total = max(SearchEntry.objects.count_up_to(MAX_ITEMS), self._entries.estimated_document_count())
        if skip >= min(total, MAX_ITEMS):
            return _page_of([], number, total)
        first = self._read(Source({}, [], order), 0, 0)
        if skip < RANKED:
            return _page_of(first, number, total)
        # The keys are skipped in the index; only the entries of the page are read.
        keys = self._entries.find({}, {"_id": 1, **dict.fromkeys((field for field, _ in order), 1)})
        ids = [entry["_id"] for entry in keys.sort(order).skip(skip).limit(PER_PAGE)]
        return _page_of(first, number, total, self._entries_of(ids))

    def _far_page(self, number: int, ranked: list[Plain], total: int | None) -> Found:
        """Return a page behind those that are ranked: what the sources have besides, one source after the other."""
        wanted = number * PER_PAGE + 1
        keys = dict.fromkeys(entry["_id"] for entry in ranked)
        for source in self._sources(self.words):
            if len(keys) < wanted:
                keys |= dict.fromkeys(self._keys(source, wanted))
        items = self._entries_of(list(keys)[(number - 1) * PER_PAGE : number * PER_PAGE])
        return _page_of(ranked, number, total or min(len(keys), wanted), items)

    def _keys(self, source: Source, most: int) -> Iterator[Any]:
        """Give the ids of the first entries of a source; where nothing is left to look at, an index has them."""
        leading, rest, order = source
        if not rest:
            found = self._entries.find(leading, {"_id": 1}).sort(order).limit(most)
        else:
            steps: list[Condition] = [{"$match": leading}, {"$sort": dict(order)}, {"$limit": FAR_LOOKED_AT}]
            found = self._entries.aggregate([*steps, {"$match": {"$and": rest}}, {"$project": {"_id": 1}}])
        return (entry["_id"] for entry in found)


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
        abort(404, f"This list has only {pages} pages." if pages > 1 else "This list has only one page.")
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
