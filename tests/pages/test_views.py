import pytest
from flask.testing import FlaskClient

from tests.factories import A_DAY
from tests.reading import one, read, words
from webapp.documents import Page
from webapp.rendering import render_markdown


def page(path: str, title: str = "A page", content: str = "Some *words*.") -> Page:
    made = Page(
        path=path,
        title=title,
        content=content,
        content_html=render_markdown(content).html,
        created_date=A_DAY,
        updated_date=A_DAY,
    )
    made.save()
    return made


@pytest.mark.parametrize("path", ["imprint", "company/imprint", "a/b/c/d-e_f"])
def test_page_is_shown_at_its_path(client: FlaskClient, path: str) -> None:
    page(path, "Who we are", "We are *people*.")

    shown = read(client, f"/{path}")

    assert words(one(shown, "h1")) == "Who we are"
    assert words(one(shown, "title")) == "Who we are · Larder"
    assert "people" in words(one(shown, ".description"))
    assert words(one(shown, "article > .muted")) == "Last changed 1 Mar 2024"
    assert one(shown, "link[rel=canonical]")["href"] == f"http://localhost/{path}"


def test_path_without_a_page_is_not_found(client: FlaskClient) -> None:
    page("company/history")

    for path in ("/company", "/company/", "/company/history/more", "/Company/History", "/history"):
        assert words(one(read(client, path, 404), "h1")) == "Not Found"


def test_pages_of_the_site_itself_come_before_content_pages(client: FlaskClient) -> None:
    page("about", "Not this one")
    page("projects/nothing", "At a longer path")

    assert words(one(read(client, "/about"), "h1")) == "About Larder"
    assert words(one(read(client, "/projects/nothing"), "h1")) == "At a longer path"


def test_page_is_read_only(client: FlaskClient) -> None:
    page("imprint")

    assert client.post("/imprint").status_code == 405
