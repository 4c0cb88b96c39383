"""What a search asks of the database."""

from webapp.documents.search_entry import ESTABLISHED
from webapp.search.terms import Filters, Source, Term


def test_filters_are_labels_licence_first_then_languages_then_classifiers() -> None:
    filters = Filters(license="MIT", classifiers=("Topic :: A", "Topic :: B"), languages=("Python :: 3.12",))

    assert filters.labels() == [
        "license:MIT",
        "classifier:Programming Language :: Python :: 3.12",
        "classifier:Topic :: A",
        "classifier:Topic :: B",
    ]


def test_no_filter_asks_for_no_label() -> None:
    assert Filters().labels() == []
    assert Filters() == ("", (), (), False)
    assert Filters(recent=True).labels() == []


def test_term_of_one_field_is_asked_for_there_and_one_of_several_in_any_of_them() -> None:
    assert Term(("labels",), "license:MIT").condition() == {"labels": "license:MIT"}
    assert Term(("name_words", "text_words"), "jam").condition() == {
        "$or": [{"name_words": "jam"}, {"text_words": "jam"}]
    }


def test_term_that_nobody_counted_is_rare_and_a_source_is_read_from_the_most_established_on() -> None:
    assert Term(("labels",), "x").packages == 0
    assert Source({}, []).order == ESTABLISHED
