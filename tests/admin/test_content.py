"""Content pages, as administrators write them."""

import pytest
from flask import Flask

from tests import factories
from tests.admin.conftest import acts
from tests.people import Browser, browser, errors
from tests.reading import one, page_of, words
from webapp.documents import Page
from webapp.rendering import Rendered

NEW = {"path": "company/team", "title": "Our team", "content": "We are *few*."}


class TestPages:
    def test_new_page_is_written_and_seen(self, app: Flask, admin: Browser) -> None:
        response = admin.send("/admin/pages/new", **NEW)

        assert response.location == "/admin/pages/edit/company/team"
        page = page_of(browser(app).get("/company/team"))
        assert words(one(page, "h1")) == "Our team"
        assert words(one(page, ".description em")) == "few"
        assert acts() == [("Grace Hopper", "Created a page.", "page company/team")]

    def test_preview_shows_the_page_and_keeps_nothing(self, admin: Browser) -> None:
        response = admin.send("/admin/pages/new", **NEW | {"content": "*few* <script>x</script>"}, preview="1")

        page = page_of(response)
        assert words(one(page, ".preview h2")) == "Our team"
        assert words(one(page, ".preview em")) == "few"
        assert page.select(".preview script") == []
        assert one(page, "#path")["value"] == "company/team"
        assert Page.objects.count() == 0

    @pytest.mark.parametrize(
        ("fields", "field"),
        [
            ({"path": ""}, "path"),
            ({"path": "Company"}, "path"),
            ({"path": "../etc"}, "path"),
            ({"path": "a//b"}, "path"),
            ({"path": "account"}, "path"),
            ({"path": "admin"}, "path"),
            ({"path": "projects"}, "path"),
            ({"path": "x" * 201}, "path"),
            ({"title": ""}, "title"),
            ({"title": "x" * 201}, "title"),
            ({"content": ""}, "page-text"),
            ({"content": "x" * 200_001}, "page-text"),
        ],
    )
    def test_what_is_wrong_stands_beside_the_field(self, admin: Browser, fields: dict[str, str], field: str) -> None:
        response = admin.send("/admin/pages/new", **NEW | fields)

        assert response.status_code == 400
        assert list(errors(response)) == [field]
        assert Page.objects.count() == 0

    def test_path_that_is_taken_is_refused(self, admin: Browser) -> None:
        admin.send("/admin/pages/new", **NEW)

        response = admin.send("/admin/pages/new", **NEW | {"title": "Another"})

        assert errors(response) == {"path": "A page with this path already exists."}
        assert Page.objects.get().title == "Our team"

    def test_page_is_changed(self, app: Flask, admin: Browser) -> None:
        admin.send("/admin/pages/new", **NEW)
        created = Page.objects.get().created_date

        response = admin.send("/admin/pages/edit/company/team", title="We", content="We are **many**.")

        assert response.location == "/admin/pages/edit/company/team"
        page = Page.objects.get()
        assert (page.title, page.content, page.created_date) == ("We", "We are **many**.", created)
        assert "<strong>many</strong>" in page.content_html
        assert words(one(page_of(browser(app).get("/company/team")), ".description strong")) == "many"

    def test_change_of_somebody_else_is_not_lost(self, admin: Browser) -> None:
        admin.send("/admin/pages/new", **NEW)
        path = "/admin/pages/edit/company/team"
        fields = admin.hidden_fields(path)
        admin.send(path, title="First", content="First")

        response = admin.post(path, data=fields | {"title": "Second", "content": "Second, long"})

        assert "Someone else changed this page" in errors(response)["page-text"]
        assert one(page_of(response, 400), "textarea").get_text().strip() == "Second, long"
        assert Page.objects.get().content == "First"

    def test_change_of_somebody_else_in_the_same_moment_is_not_lost(
        self, admin: Browser, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        admin.send("/admin/pages/new", **NEW)

        def render_meanwhile(text: str) -> Rendered:
            Page.objects.update(content="First", updated_date=factories.A_DAY)
            return Rendered(text)

        monkeypatch.setattr("webapp.admin.content.render_markdown", render_meanwhile)
        response = admin.send("/admin/pages/edit/company/team", title="Second", content="Second")

        assert "Someone else changed this page" in errors(response)["page-text"]
        assert Page.objects.get().content == "First"

    def test_preview_of_a_change_keeps_its_guard(self, admin: Browser) -> None:
        admin.send("/admin/pages/new", **NEW)
        path = "/admin/pages/edit/company/team"

        page = page_of(admin.send(path, title="T", content="x", preview="1"))

        assert one(page, "input[name=read_version]")["value"] == admin.hidden_fields(path)["read_version"]
        assert Page.objects.get().title == "Our team"

    def test_page_is_deleted_after_a_question(self, app: Flask, admin: Browser) -> None:
        admin.send("/admin/pages/new", **NEW)

        response = admin.send("/admin/pages/delete/company/team")

        assert response.location == "/admin/pages"
        assert browser(app).get("/company/team").status_code == 404
        assert acts()[-1] == ("Grace Hopper", "Deleted a page.", "page company/team")

    @pytest.mark.parametrize("path", ["edit/nothing", "delete/nothing", "edit/$ne"])
    def test_page_that_is_not_there_is_not_found(self, admin: Browser, path: str) -> None:
        assert admin.get(f"/admin/pages/{path}").status_code == 404
