import pytest
from flask import Flask
from werkzeug.exceptions import BadRequest, NotFound

from tests import factories
from webapp.documents import Package
from webapp.serving.pagination import page_number, page_numbers, paginate

# In an address, as it would be typed; what cannot be a page number.
NO_PAGE_NUMBERS = [
    "abc",
    "-1",
    "0",
    "1.5",
    "1e3",
    "+1",
    "%201",
    "1%20",
    "",
    "0x1",
    "1_0",
    "%D9%A1",
    "%C2%B2",
    "%00",
    "%FF",
    "9" * 30,
]


@pytest.mark.parametrize(
    ("query", "number"), [("", 1), ("page=1", 1), ("page=007", 7), ("page=2&page=3", 2), ("other=5", 1)]
)
def test_page_number_is_read_from_the_address(site: Flask, query: str, number: int) -> None:
    with site.test_request_context(f"/?{query}"):
        assert page_number() == number


@pytest.mark.parametrize("text", NO_PAGE_NUMBERS)
def test_what_is_no_page_number_is_refused(site: Flask, text: str) -> None:
    with site.test_request_context(f"/?page={text}"), pytest.raises(BadRequest, match="whole number from 1 on"):
        page_number()


@pytest.mark.parametrize(
    ("page", "pages", "shown"),
    [
        (1, 1, [1]),
        (1, 2, [1, 2]),
        (3, 5, [1, 2, 3, 4, 5]),
        (1, 5, [1, 2, None, 5]),
        (4, 20, [1, 2, 3, 4, 5, None, 20]),
        (8, 20, [1, None, 7, 8, 9, None, 20]),
        (20, 20, [1, None, 19, 20]),
        (10**9, 10**12, [1, None, 10**9 - 1, 10**9, 10**9 + 1, None, 10**12]),
    ],
)
def test_offered_pages_are_the_ends_and_the_neighbours(page: int, pages: int, shown: list[int | None]) -> None:
    assert page_numbers(page, pages) == shown


def names(app: Flask, query: str, per_page: int, *prefixes: str) -> tuple[list[str], dict[str, object]]:
    questions = [Package.objects.starting_with(prefix).order_by("pk") for prefix in prefixes]
    with app.test_request_context(f"/?{query}"):
        found = paginate(questions, per_page)
    return [item["name"] for item in found.pop("items")], found


@pytest.fixture
def seven(app: Flask) -> Flask:
    for name in ("a1", "a2", "a3", "b1", "c1", "c2", "c3"):
        factories.package(name)
    return app


@pytest.mark.parametrize(("page", "expected"), [(1, ["a1", "a2"]), (2, ["a3", "b1"]), (3, ["c1", "c2"]), (4, ["c3"])])
def test_answers_of_several_questions_follow_each_other(seven: Flask, page: int, expected: list[str]) -> None:
    items, rest = names(seven, f"page={page}", 2, "a", "b", "none", "c")

    assert items == expected
    assert rest == {"page": page, "pages": 4, "total": 7, "more": False}


def test_one_page_can_hold_parts_of_all(seven: Flask) -> None:
    assert names(seven, "", 5, "a", "none", "b", "c")[0] == ["a1", "a2", "a3", "b1", "c1"]


def test_no_answers_are_one_empty_page(app: Flask) -> None:
    assert names(app, "", 5, "a") == ([], {"page": 1, "pages": 1, "total": 0, "more": False})
    assert names(app, "", 5) == ([], {"page": 1, "pages": 1, "total": 0, "more": False})


@pytest.mark.parametrize(("page", "said"), [(5, "only 4 pages"), (10**9, "only 4 pages")])
def test_page_past_the_end_is_not_found(seven: Flask, page: int, said: str) -> None:
    with pytest.raises(NotFound, match=said):
        names(seven, f"page={page}", 2, "a", "b", "c")


def test_totals_past_the_limit_are_not_counted_to_their_end(seven: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("webapp.serving.pagination.MAX_ITEMS", 4)

    items, rest = names(seven, "page=2", 2, "a", "b", "c")

    assert items == ["a3", "b1"]
    assert rest == {"page": 2, "pages": 2, "total": 4, "more": True}
    with pytest.raises(NotFound):
        names(seven, "page=3", 2, "a", "b", "c")
