"""What a search asks for, apart from its order: filters, terms, and the sources of answers."""

from typing import Any, NamedTuple

from webapp.documents.search_entry import CLASSIFIER, ESTABLISHED, LANGUAGE, LICENSE

Condition = dict[str, Any]


class Filters(NamedTuple):
    """Filters that narrow a search, in addition to its words; all of them apply."""

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
    """A value that an entry must have in one of some fields, listed by falling weight."""

    fields: tuple[str, ...]
    value: str
    packages: int = 0  # how many have it; 0 if only a few do

    def condition(self) -> Condition:
        """Return the condition for MongoDB."""
        either = [{field: self.value} for field in self.fields]
        return either[0] if len(either) == 1 else {"$or": either}


class Source(NamedTuple):
    """A source of answers: the leading condition, the others, and the order of the index."""

    leading: Condition
    rest: list[Condition]
    order: list[tuple[str, int]] = ESTABLISHED
