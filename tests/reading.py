"""What a reader sees of a page: its words, its links, its parts."""

from typing import Any

from bs4 import BeautifulSoup, Tag
from flask.testing import FlaskClient
from werkzeug.test import TestResponse


def read(client: FlaskClient, address: str, status: int = 200, **request: Any) -> BeautifulSoup:
    """Open a page, and check that it is one."""
    return page_of(client.get(address, **request), status)


def page_of(response: TestResponse, status: int = 200) -> BeautifulSoup:
    text = response.get_data(as_text=True)
    assert response.status_code == status, f"{response.request.path}: {response.status}, {text[:500]}"
    assert response.content_type == "text/html; charset=utf-8"
    return BeautifulSoup(text, "html.parser")


def one(tree: Tag, selector: str) -> Tag:
    """The only element that this selector finds."""
    found = tree.select(selector)
    assert len(found) == 1, f"{len(found)} elements are {selector}"
    return found[0]


def words(tree: Tag) -> str:
    """The text of an element, as a browser shows its white space."""
    return " ".join(tree.get_text().split())


def texts(tree: Tag, selector: str) -> list[str]:
    return [words(found) for found in tree.select(selector)]


def links(tree: Tag, selector: str = "a") -> list[tuple[str, str]]:
    """The text and the address of each link."""
    return [(words(link), str(link["href"])) for link in tree.select(selector)]


def facts(tree: Tag, selector: str) -> dict[str, str]:
    """The terms of a description list, each with what it says."""
    terms = texts(tree, f"{selector} dt")
    return dict(zip(terms, texts(tree, f"{selector} dd"), strict=True))
