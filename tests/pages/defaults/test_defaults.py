"""The first pages of a new site."""

from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.reading import one, read, words
from webapp.documents import Page
from webapp.pages.defaults import add_default_pages
from webapp.pages.markdown_files import page_from_file


def test_new_site_has_its_first_pages(client: FlaskClient) -> None:
    add_default_pages()

    assert words(one(read(client, "/company/history"), "h1")) == "Our history"
    assert words(one(read(client, "/company/employees"), "h1")) == "The people"


def test_page_that_another_site_stored_meanwhile_stays(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    def stored_by_another(file: Path, folder: Path) -> Page:
        page = page_from_file(file, folder)
        Page._get_collection().insert_one({**page.to_mongo(), "title": "Edited there"})
        return page

    monkeypatch.setattr("webapp.pages.defaults.page_from_file", stored_by_another)

    add_default_pages()

    assert {page.title for page in Page.objects} == {"Edited there"}
