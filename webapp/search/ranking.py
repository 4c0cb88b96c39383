"""How results are ranked: by exact name, then by names that start with the query, then by the weights of its words."""

from typing import NamedTuple

from webapp.documents.base import Plain
from webapp.rules import wording
from webapp.search.parsing import Query

# What a word counts, by where it is found: in the name, the summary, or anything else.
WEIGHTS = {"name_words": 10, "summary_words": 5, "text_words": 1}


class Ranking(NamedTuple):
    """The order of the results of one query."""

    words: set[str]
    letters: str  # of the whole query
    name: str  # the normalized name that it may mean

    @classmethod
    def by(cls, query: Query) -> "Ranking":
        """Return the ranking for a query."""
        name = "-".join(wording.written_words(query.project or query.text))
        return cls(set(query.words), wording.letters(query.text), name)

    def ranked(self, entries: list[Plain]) -> list[Plain]:
        """Return entries in order. Those of equal rank stay as they were."""
        return sorted(entries, key=self._rank)

    def is_exact(self, entry: Plain) -> bool:
        """Tell whether an entry has exactly the name that was searched for."""
        return bool(entry["_id"] == self.name)

    def begins(self, entry: Plain) -> bool:
        """Tell whether an entry's name starts with the query."""
        letters = entry.get("letters")
        return bool(self.letters) and isinstance(letters, str) and letters.startswith(self.letters)

    def weight(self, entry: Plain) -> int:
        """Return the weight of the words in an entry. Those not in its name or summary count as text."""
        in_name = self.words.intersection(texts(entry, "name_words"))
        in_summary = self.words.intersection(texts(entry, "summary_words")) - in_name
        elsewhere = len(self.words) - len(in_name) - len(in_summary)
        name, summary, text = WEIGHTS.values()
        return len(in_name) * name + len(in_summary) * summary + elsewhere * text

    def _rank(self, entry: Plain) -> tuple[int, float]:
        if self.is_exact(entry):
            return 0, 0
        if self.begins(entry):
            return (1 if entry["letters"] == self.letters else 2), 0
        return 3, -self.weight(entry)


def texts(entry: Plain, field: str) -> list[str]:
    """Return the texts in a list of an entry."""
    values = entry.get(field)
    return [value for value in values if isinstance(value, str)] if isinstance(values, list) else []
