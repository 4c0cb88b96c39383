"""The first pages of a new site."""

from flask.testing import FlaskClient

from tests.reading import one, read, words
from webapp.pages.defaults import add_default_pages


def test_new_site_has_its_first_pages(client: FlaskClient) -> None:
    add_default_pages()

    assert words(one(read(client, "/company/history"), "h1")) == "Our history"
    assert words(one(read(client, "/company/employees"), "h1")) == "The people"
