"""What a search finds, at a cost that does not grow with the number of projects.

The rarest word or filter leads: a limited number of its entries is read in the order of an index, and at most RANKED of
those that match everything else are ranked exactly. docs/architecture.md has the measurements.
"""

from collections.abc import Iterable, Iterator
from functools import partial
from typing import Any

from flask import abort

from webapp.documents import Package, SearchEntry
from webapp.documents.base import Plain, as_declared
from webapp.documents.hidden import shown
from webapp.documents.search_entry import ESTABLISHED, MAX_PREFIX
from webapp.rules import wording
from webapp.search.frequencies import frequencies
from webapp.search.parsing import Query
from webapp.search.ranking import WEIGHTS, Ranking
from webapp.search.results import Found, a_year_ago, date_of, facets_of
from webapp.search.terms import Condition, Filters, Source, Term
from webapp.serving.pagination import MAX_ITEMS, PER_PAGE

# How many entries of the leading word a search looks at in each field, and how many more if they do not fill a page.
# Each costs 15 us.
LOOKED_AT, MORE_LOOKED_AT = 120, 400
# How many entries a far page looks at.
FAR_LOOKED_AT = 2000
# At most RANKED matching entries are ranked. If at most FEW had a word when it was last counted, they are all read at
# once; there may be more by now.
RANKED, FEW = 100, 50
# For other orders, how many entries of a word are sorted: fewer if the index lacks a compared field. Or all entries are
# walked through in that order, in windows of these sizes, until enough are found.
SORTED, SORTED_READ = 10_000, 1000
WALKED = (200, 800, 2000)
# How many times as much it costs to look at an entry as to sort one in the index.
WALKING_COSTS = 4
# How many descriptions are searched for a phrase.
DESCRIPTIONS = 30

TIERS = tuple(WEIGHTS)
ORDERS = {
    "relevance": ("Relevance", ESTABLISHED),
    "updated": ("Newest release", [("newest_release.created_date", -1), ("_id", 1)]),
    "newest": ("Newest project", [("created_date", -1), ("_id", 1)]),
    "downloads": ("Downloads", [("downloads", -1), ("_id", 1)]),
    "name": ("A–Z", [("_id", 1)]),
}
# The fields of a ranked entry that are shown, compared or counted.
_READ = dict.fromkeys(
    ("name", "letters", "summary", "latest", "newest_release", "release_count", "created_date", "status", "labels",
     "downloads", "name_words", "summary_words"), 1
)  # fmt: skip
BY_LETTERS = [("letters", 1), ("_id", 1)]


class Search:
    """One search: a query, filters, an order, and the database queries for them."""

    def __init__(self, query: Query, filters: Filters, order: str = "relevance") -> None:
        self.query, self.filters, self.order = query, filters, order
        self._entries = SearchEntry.objects.raw()
        self.frequencies = frequencies().of([*query.words, *query.fields, *filters.labels()])
        fields = ("name_words",) if query.only_stop_words else TIERS
        self.words = [self._term(fields, word) for word in query.words]
        self.labels = [self._term(("labels",), label) for label in filters.labels()]
        self.labels += [self._term(("field_words",), word) for word in query.fields]
        self.others: list[Condition] = [{field: {"$ne": word}} for word in query.excluded for field in TIERS]
        if filters.recent:
            self.others.append({"newest_release.created_date": {"$gte": a_year_ago()}})
        self.is_narrow = bool(self.words or self.labels or self.others)  # the reader asks for something
        if hidden := shown():
            self.others.append(hidden)
        self.is_cut = False  # there may be results beyond the entries looked at
        self.ranking = Ranking.by(query)

    def _term(self, fields: tuple[str, ...], value: str) -> Term:
        return Term(fields, value, self.frequencies.get(value, 0))

    def page(self, number: int) -> Found:
        """Return a page of the results that have all the words."""
        if not self.query.is_empty and not (self.is_narrow or self.ranking.letters):
            return _page_of([], number)
        if self.order != "relevance" or not (self.words or self.labels or self.ranking.letters):
            return self._in_order(number)
        found = self._few()
        if found is None:
            found = self._candidates(self._sources(self.words))
        ranked = self.ranking.ranked(self._with_phrases(found))
        return self._ranked_page(number, ranked)._replace(
            begins=bool(ranked) and self.ranking.begins(ranked[0]), exact_releases=self._exact_releases(ranked)
        )

    def _exact_releases(self, ranked: list[Plain]) -> int | None:
        is_exact = bool(ranked) and self.ranking.is_exact(ranked[0])
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
        """Return how many entries have a single word, as last counted; None if unknown."""
        terms = [*self.words, *self.labels]
        known = terms[0].packages if len(terms) == 1 and not self.others else 0
        # If fewer than were found, the site has grown since they were counted.
        return known if known > RANKED else None

    def _sources(self, words: list[Term]) -> Iterator[Source]:
        """Yield the sources: the exact name, names that start with it, then the words."""
        narrowing = self._narrowing
        if self.query.project:
            yield Source({"letters": wording.letters(self.query.project)}, narrowing, BY_LETTERS)
        if self.ranking.letters:
            if len(self.ranking.letters) <= MAX_PREFIX:
                # It is among the names that start with it. With filters, only some of those are looked at.
                if narrowing:
                    yield self._exact_name()
                yield Source({"prefixes": self.ranking.letters}, narrowing)
            else:
                begins = {"$gte": self.ranking.letters, "$lt": self.ranking.letters + "\uffff"}
                yield Source({"letters": begins}, narrowing, BY_LETTERS)
        terms = [*words, *self.labels]
        if not words and self.ranking.letters:
            return
        leading = min(terms, key=lambda term: term.packages)
        rest = [term.condition() for term in terms if term is not leading] + self.others
        if leading.packages <= FEW:
            # So few have it that all are ranked, and the fields need not be queried one after the other.
            yield Source(leading.condition(), rest)
            return
        for field in leading.fields:
            yield Source({field: leading.value}, rest)

    def _few(self) -> list[Plain] | None:
        """Return, in one question, all entries that have the word or a name that starts with it.

        None if this search asks for more, or if there are too many.
        """
        words, letters = self.words, self.ranking.letters
        asks_more = len(words) != 1 or self._narrowing or self.query.project
        if asks_more or words[0].packages > FEW or not 0 < len(letters) <= MAX_PREFIX:
            return None
        either = [{"prefixes": letters}, *({field: words[0].value} for field in words[0].fields)]
        found = self._read(Source({"$or": either}, []), 0, LOOKED_AT)
        return found if len(found) < RANKED else None

    @property
    def _narrowing(self) -> list[Condition]:
        return [term.condition() for term in self.labels] + self.others

    def _exact_name(self) -> Source:
        return Source({"letters": self.ranking.letters}, self._narrowing, BY_LETTERS)

    def _candidates(self, sources: Iterable[Source]) -> list[Plain]:
        """Return the first entries of all sources, each entry once."""
        found: dict[Any, Plain] = {}
        asked: list[Source] = []

        def read(source: Source, skip: int, looked_at: int) -> None:
            # A word is in only one of the fields, so only projects found by the start of their name come twice.
            once = sum(not self.ranking.begins(entry) for entry in found.values())
            self._add(found, self._read(source, skip, looked_at, RANKED - once))

        for source in sources:
            if len(found) < RANKED:
                asked.append(source)
                read(source, 0, LOOKED_AT)
        narrowed, looked_at = [source for source in asked if source.rest], LOOKED_AT
        if narrowed and len(found) < PER_PAGE and not any(self.ranking.begins(entry) for entry in found.values()):
            for source in narrowed:
                if len(found) < RANKED:
                    read(source, LOOKED_AT, MORE_LOOKED_AT)
            looked_at += MORE_LOOKED_AT
        frequencies = [term.packages for term in (*self.words, *self.labels)]
        self.is_cut = bool(narrowed) and min(frequencies, default=0) > looked_at
        named: dict[Any, Plain] = {}
        # One of those found may be the project of a pasted requirement.
        if sum(map(self.ranking.begins, found.values())) >= RANKED - 1:
            self._add(named, self._read(self._exact_name(), 0, LOOKED_AT))
        return list((named | found).values())[:RANKED]

    @staticmethod
    def _add(found: dict[Any, Plain], entries: Iterable[Plain]) -> None:
        for entry in entries:
            found.setdefault(entry["_id"], entry)

    def _read(self, source: Source, skip: int, looked_at: int, most: int = RANKED) -> list[Plain]:
        """Return the first entries of a source; with other conditions, only among the first `looked_at`.

        An aggregation reads 4 MB more than it needs (MongoDB 6.0), so the number of entries looked at limits the cost.
        """
        leading, rest, order = source
        if not rest:
            return list(self._entries.find(leading, _READ).sort(order).limit(most))
        steps: list[Condition] = [{"$match": leading}, {"$sort": dict(order)}, {"$skip": skip}, {"$limit": looked_at}]
        steps += [{"$match": {"$and": rest}}, {"$limit": most}, {"$project": _READ}]
        return list(self._entries.aggregate(steps))

    def _with_phrases(self, candidates: list[Plain]) -> list[Plain]:
        """Return the candidates that have the phrases in their name or summary, or in the description.

        A description is part of the package, which may have megabytes, so only the first few are read.
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

    @property
    def has_parts(self) -> bool:
        """Tell whether some of the words may be found even if all together are not."""
        return len(self.words) > 1 and not self.query.phrases

    def page_of_some(self, number: int) -> Found:
        """Return a page of the results that have as many of the words as possible, led by the rarest words."""
        words = sorted(self.words, key=lambda term: term.packages)[:4]
        found: dict[Any, Plain] = {}
        for term in words:
            entries = self._read(Source(term.condition(), self._narrowing), 0, LOOKED_AT)
            self._add(found, entries[: RANKED // len(words)])
        heaviest = sorted(found.values(), key=self.ranking.weight, reverse=True)
        return _page_of(heaviest[:RANKED], number)._replace(partial=bool(heaviest))

    def _in_order(self, number: int) -> Found:
        """Return a page ordered by a date, by downloads or by name."""
        order = ORDERS["updated" if self.order == "relevance" else self.order][1]
        terms = [*self.words, *self.labels]
        if not terms and not self.others:
            return self._everything(order, number)
        leading = min(terms, key=lambda term: term.packages, default=None)
        everything, most = self._entries.estimated_document_count(), number * PER_PAGE + 1
        rest = [term.condition() for term in terms if term is not leading] + self.others
        is_indexed = not rest and self.order not in ("newest", "downloads")
        sortable = SORTED if is_indexed else SORTED_READ
        if leading and leading.packages <= sortable and leading.packages**2 <= WALKING_COSTS * most * everything:
            return self._sorted(leading, rest, order, sortable, number)
        conditions = [term.condition() for term in terms] + self.others
        found = self._walked(conditions, order, most)
        items = found[(number - 1) * PER_PAGE : number * PER_PAGE]
        # The walk may have ended before the last result.
        total = self._known_total() or len(found)
        return _page_of(found[:RANKED], number, total, items)._replace(more=not self._known_total())

    def _sorted(
        self, leading: Term, rest: list[Condition], order: list[tuple[str, int]], most: int, number: int
    ) -> Found:
        """Return a page of all entries of a term, reading only the fields that are compared."""
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
        """Return the first matching entries, as far as the windows reach."""
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
        """Return these entries, in this order."""
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
        # Keys are skipped in the index; only the entries of the page are read.
        keys = self._entries.find(shown(), {"_id": 1, **dict.fromkeys((field for field, _ in order), 1)})
        ids = [entry["_id"] for entry in keys.sort(order).skip(skip).limit(PER_PAGE)]
        return _page_of(first, number, total, self._entries_of(ids))

    def _far_page(self, number: int, ranked: list[Plain], total: int | None) -> Found:
        """Return a page beyond the ranked entries: the rest of the sources, one after the other."""
        wanted = number * PER_PAGE + 1
        keys = dict.fromkeys(entry["_id"] for entry in ranked)
        for source in self._sources(self.words):
            if len(keys) < wanted:
                keys |= dict.fromkeys(self._keys(source, wanted))
        items = self._entries_of(list(keys)[(number - 1) * PER_PAGE : number * PER_PAGE])
        return _page_of(ranked, number, total or min(len(keys), wanted), items)

    def _keys(self, source: Source, most: int) -> Iterator[Any]:
        """Yield the ids of the first entries of a source, from an index alone if there are no other conditions."""
        leading, rest, order = source
        if not rest:
            found = self._entries.find(leading, {"_id": 1}).sort(order).limit(most)
        else:
            steps: list[Condition] = [{"$match": leading}, {"$sort": dict(order)}, {"$limit": FAR_LOOKED_AT}]
            found = self._entries.aggregate([*steps, {"$match": {"$and": rest}}, {"$project": {"_id": 1}}])
        return (entry["_id"] for entry in found)


def _pattern(phrase: tuple[str, ...]) -> str:
    # Words consist of letters and digits, so they need no escaping in a regular expression.
    return r"\b" + r"[\W_]+".join(phrase) + r"\b"


def _page_of(ranked: list[Plain], number: int, total: int | None = None, items: list[Plain] | None = None) -> Found:
    """Return a page. `total`, if known, exceeds what was ranked; otherwise there may be more than could be counted.

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


def _key(field: str, entry: Plain) -> Any:
    if field == "downloads":
        count = entry.get(field)
        return count if isinstance(count, int) else 0
    return str(entry["_id"]) if field == "_id" else date_of(entry, field)
