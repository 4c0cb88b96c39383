"""A page is a file whose first line is its title."""

from pathlib import Path

import pytest
from flask import Flask

from tests.factories import A_DAY
from webapp.documents import Page
from webapp.pages.markdown_files import NoTitle, page_from_file, page_to_text


def written(folder: Path, text: str) -> Path:
    file = folder / "company" / "history.md"
    file.parent.mkdir(exist_ok=True)
    file.write_text(text, encoding="utf-8")
    return file


def test_page_has_the_path_of_its_file_and_its_first_line_as_title(app: Flask, tmp_path: Path) -> None:
    page = page_from_file(written(tmp_path, "#  Our history \n\nIt *began*.\n\n"), tmp_path)

    assert (page.path, page.title, page.content) == ("company/history", "Our history", "It *began*.")
    assert "<em>began</em>" in page.content_html
    assert page.content_problem is None
    assert page.created_date == page.updated_date


def test_page_that_is_there_keeps_its_first_date(app: Flask, tmp_path: Path) -> None:
    Page(path="company/history", title="Old", content="x", content_html="x", created_date=A_DAY).save()

    page = page_from_file(written(tmp_path, "# New\n"), tmp_path)

    assert page.created_date == A_DAY
    assert page.updated_date > A_DAY


@pytest.mark.parametrize("text", ["", "Our history\n", "#\n", "# \n", "## History\n", "#History\n", "\n# History\n"])
def test_file_without_a_title_is_no_page(app: Flask, tmp_path: Path, text: str) -> None:
    with pytest.raises(NoTitle, match="the first line must be the title"):
        page_from_file(written(tmp_path, text), tmp_path)


def test_text_of_a_page_is_the_file_that_it_came_from(app: Flask, tmp_path: Path) -> None:
    text = "# Our history\n\nIt began.\n"

    assert page_to_text(page_from_file(written(tmp_path, text), tmp_path)) == text
    assert page_to_text(Page(path="x", title="Empty")) == "# Empty\n\n\n"
