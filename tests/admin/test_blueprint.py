import pytest
from flask import Flask

from tests import factories
from tests.people import PASSWORD, Browser, browser, signed_in, signed_in_by_form
from tests.reading import one, page_of, texts, words
from webapp.documents import AuditEvent, User

PAGES = [
    "/admin/",
    "/admin/users",
    "/admin/users?q=x",
    "/admin/users/new",
    "/admin/packages/",
    "/admin/packages/?name=x",
    "/admin/packages/engine",
    "/admin/pages",
    "/admin/pages/new",
    "/admin/pages/edit/company/history",
    "/admin/pages/delete/company/history",
    "/admin/audit",
    f"/admin/users/{'0' * 24}",
    f"/admin/users/{'0' * 24}/disable",
]


@pytest.fixture
def admin(app: Flask) -> Browser:
    """Grace, an administrator who has signed in by the form, which the audit log says."""
    return signed_in_by_form(app, "Grace Hopper", is_admin=True)


class TestWhoMayEnter:
    @pytest.mark.parametrize("path", PAGES)
    def test_member_is_told_that_this_is_not_for_them(self, app: Flask, path: str) -> None:
        response = signed_in(app).get(path)

        page = page_of(response, 403)
        assert words(one(page, ".lead")) == "This page is for administrators only."
        assert response.headers["Cache-Control"] == "no-store"

    @pytest.mark.parametrize("path", ["/admin/", "/admin/users", "/admin/audit"])
    def test_visitor_is_led_to_signing_in(self, visitor: Browser, path: str) -> None:
        response = visitor.get(path)

        assert (response.status_code, response.location) == (302, f"/account/login?next={path}")

    @pytest.mark.parametrize("act", ["make-administrator", "remove-administrator", "disable", "enable"])
    def test_member_cannot_do_what_administrators_do(self, app: Flask, act: str) -> None:
        visitor = signed_in(app)
        ada = User.objects.get()
        before = User._get_collection().find_one()

        response = visitor.post(f"/admin/users/{ada.id}/{act}", data={"csrf_token": visitor.token("/account/profile")})

        assert response.status_code == 403
        assert User._get_collection().find_one() == before

    @pytest.mark.parametrize("is_admin", [None, "true", 1, [True], {"$ne": False}])
    def test_mark_that_somebody_wrote_by_hand_is_none(self, app: Flask, is_admin: object) -> None:
        visitor = signed_in(app)
        User._get_collection().update_one({}, {"$set": {"is_admin": is_admin}})

        assert visitor.get("/admin/").status_code == 403

    def test_who_is_no_administrator_any_more_is_out_at_once(self, admin: Browser) -> None:
        assert admin.get("/admin/").status_code == 200

        User.objects.update(is_admin=False)

        assert admin.get("/admin/").status_code == 403


class TestAudit:
    def test_log_says_who_did_what_when_and_from_where(self, admin: Browser) -> None:
        page = page_of(admin.get("/admin/audit"))

        [row] = page.select("tbody tr")
        when, who, what, target, address = texts(row, "td")
        assert when.endswith(" UTC")
        assert (who, what, target, address) == ("Grace Hopper", "Signed in.", "user Grace Hopper", "127.0.0.1")

    def test_log_is_narrowed_to_a_kind(self, app: Flask, admin: Browser) -> None:
        browser(app).sign_in("grace@example.org", "wrong")

        page = page_of(admin.get("/admin/audit?kind=sign-in+failed"))

        assert texts(page, "tbody td:nth-of-type(3)") == ["Failed to sign in."]
        assert admin.get("/admin/audit?kind=nothing").status_code == 400

    def test_acts_of_an_old_site_and_odd_ones_are_shown(self, admin: Browser) -> None:
        AuditEvent._get_collection().insert_many(
            [{"_id": "7", "description": "Old <b>", "created_date": factories.A_DAY}, {"_id": "8", "description": 5}]
        )

        page = page_of(admin.get("/admin/audit"))

        assert "Old <b>" in texts(page, "tbody td:nth-of-type(3)")

    def test_long_log_is_paged(self, admin: Browser) -> None:
        AuditEvent._get_collection().insert_many({"_id": str(number)} for number in range(60))

        assert len(page_of(admin.get("/admin/audit?page=2")).select("tbody tr")) == 11


def test_overview_names_the_administrators_and_what_happened(admin: Browser) -> None:
    page = page_of(admin.get("/admin/"))

    assert texts(page, ".plain-list li") == ["Grace Hopper"]
    assert words(one(page, ".events .event-what")) == "Signed in."
    assert PASSWORD not in str(page)
