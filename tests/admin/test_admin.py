import bson
import pytest
from flask import Flask

from tests import factories
from tests.people import PASSWORD, Browser, browser, errors, link_in, member, outbox, signed_in
from tests.reading import links, one, page_of, texts, words
from webapp.documents import AuditEvent, Maintainer, Package, Page, User
from webapp.rendering import Rendered

PAGES = [
    "/admin/",
    "/admin/users",
    "/admin/users?q=x",
    "/admin/users/new",
    "/admin/packages",
    "/admin/packages?name=x",
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
    """Grace, an administrator, in her browser."""
    return signed_in(app, "Grace Hopper", is_admin=True)


def acts() -> list[tuple[str, str, str]]:
    """What administrators did: who, what, and to what."""
    events = AuditEvent.objects.of_kind("administration").order_by("pk")
    return [(event.actor_name, event.description, event.target) for event in events]


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


class TestUsers:
    def test_users_are_listed_and_found(self, admin: Browser) -> None:
        member("Ada Lovelace", is_disabled=True)

        assert texts(page_of(admin.get("/admin/users")), "tbody td:first-child") == ["Ada Lovelace", "Grace Hopper"]
        page = page_of(admin.get("/admin/users?q=lovel"))
        assert texts(page, "tbody td:first-child") == ["Ada Lovelace"]
        assert texts(page, ".mark") == ["disabled"]

    def test_page_of_a_user_shows_what_there_is_but_no_hash(self, admin: Browser) -> None:
        ada = member("Ada Lovelace", username="ada")
        factories.package("Engine", maintainers=[Maintainer(user_id=ada.id)])

        response = admin.get(f"/admin/users/{ada.id}")

        page = page_of(response)
        assert words(one(page, "h1")) == "Ada Lovelace"
        assert "ada@example.org" in words(one(page, ".settings"))
        assert ("Engine 1.0", "/project/engine/") in links(page)
        assert "argon2" not in response.text

    def test_administrator_is_made_and_removed(self, admin: Browser) -> None:
        ada = member("Ada")

        response = admin.press(f"/admin/users/{ada.id}", f"/admin/users/{ada.id}/make-administrator")
        assert response.location == f"/admin/users/{ada.id}"
        assert User.objects(pk=ada.id).get().is_admin
        admin.press(f"/admin/users/{ada.id}", f"/admin/users/{ada.id}/remove-administrator")

        assert not User.objects(pk=ada.id).get().is_admin
        assert acts() == [
            ("Grace Hopper", "Made administrator.", "user Ada"),
            ("Grace Hopper", "Removed as administrator.", "user Ada"),
        ]
        event = AuditEvent.objects.of_kind("administration").first()
        assert event.ip_address == "127.0.0.1"
        assert event.user_id == ada.id
        assert event.created_date

    @pytest.mark.parametrize("act", ["remove-administrator", "disable"])
    def test_last_administrator_stays(self, admin: Browser, act: str) -> None:
        grace = User.objects.get()

        response = admin.press(f"/admin/users/{grace.id}", f"/admin/users/{grace.id}/{act}")

        page = page_of(response, 409)
        assert words(one(page, ".lead")) == "The site needs an administrator, and nobody else is one."
        assert User.objects.get().is_admin
        assert acts() == []
        assert admin.get("/admin/").status_code == 200

    def test_disabled_user_is_out_and_back_when_enabled(self, app: Flask, admin: Browser) -> None:
        visitor = signed_in(app)
        ada = User.objects(name="Ada Lovelace").get()

        admin.press(f"/admin/users/{ada.id}", f"/admin/users/{ada.id}/disable")
        assert not visitor.is_signed_in()
        assert visitor.sign_in("ada@example.org").status_code == 400
        admin.press(f"/admin/users/{ada.id}", f"/admin/users/{ada.id}/enable")

        assert visitor.sign_in("ada@example.org").status_code == 302
        assert [what for _, what, _ in acts()] == [
            "Disabled the account.",
            "Enabled the account and revoked its API tokens.",
        ]

    @pytest.mark.parametrize("path", ["x", "f" * 24, "{}/become-a-god", "x/disable"])
    def test_what_is_not_there_is_not_found(self, admin: Browser, path: str) -> None:
        assert admin.get(f"/admin/users/{path.format(User.objects.get().id)}").status_code == 404

    def test_act_that_is_opened_as_a_page_asks_first(self, admin: Browser) -> None:
        ada = member("Ada")

        page = page_of(admin.get(f"/admin/users/{ada.id}/disable"))

        assert words(one(page, "h1")) == "Disable"
        assert words(one(page, "main .lead")) == "Ada, ada@example.org"
        assert not User.objects(pk=ada.id).get().is_disabled

    def test_users_that_somebody_edited_by_hand_break_no_page(self, admin: Browser) -> None:
        odd = {"_id": bson.ObjectId(), "name": 5, "email": [], "sessions": "x", "created_date": "yesterday"}
        User._get_collection().insert_one(odd)
        User._get_collection().insert_one({"_id": "text"})

        assert admin.get("/admin/users").status_code == 200
        assert admin.get(f"/admin/users/{odd['_id']}").status_code == 200

    def test_many_users_are_paged(self, admin: Browser) -> None:
        for number in range(25):
            factories.user(f"User {number}")

        page = page_of(admin.get("/admin/users?page=2"))

        assert len(page.select("tbody tr")) == 6


class TestMaintainers:
    def test_package_is_found_by_any_spelling(self, admin: Browser) -> None:
        factories.package("Flask_Login")

        assert admin.get("/admin/packages?name=flask.LOGIN").location == "/admin/packages/flask-login"
        page = page_of(admin.get("/admin/packages?name=nothing"), 404)
        assert "There is no package called “nothing”." in words(page)
        assert admin.get("/admin/packages?name=---").status_code == 404

    @pytest.mark.parametrize("who", ["ada@example.org", "ADA@example.org", "ada", "{}"])
    def test_maintainer_is_added_by_address_username_or_id(self, admin: Browser, who: str) -> None:
        ada = member("Ada", username="ada")
        factories.package("Engine")

        response = admin.send("/admin/packages/engine", user=who.format(ada.id), role="owner")

        assert response.location == "/admin/packages/engine"
        [maintainer] = Package.objects.get().maintainers
        assert (maintainer.user_id, maintainer.name, maintainer.role) == (ada.id, "Ada", "owner")
        assert acts() == [("Grace Hopper", "Made Ada owner of engine.", "package engine")]

    @pytest.mark.parametrize("who", ["nobody@example.org", "nobody", "f" * 24, '{"$ne": null}'])
    def test_who_is_not_there_cannot_maintain(self, admin: Browser, who: str) -> None:
        factories.package("Engine")

        response = admin.send("/admin/packages/engine", user=who, role="owner")

        assert errors(response) == {"user": "User not found."}

    def test_who_maintains_it_already_is_refused(self, admin: Browser) -> None:
        member("Ada")
        factories.package("Engine")
        admin.send("/admin/packages/engine", user="ada@example.org", role="owner")

        response = admin.send("/admin/packages/engine", user="ada@example.org", role="maintainer")

        assert errors(response)["user"].startswith("Ada is already a maintainer")

    def test_role_is_one_of_two(self, admin: Browser) -> None:
        member("Ada")
        factories.package("Engine")

        response = admin.send("/admin/packages/engine", user="ada@example.org", role="god")

        assert list(errors(response)) == ["role"]

    def test_maintainer_is_removed(self, admin: Browser) -> None:
        ada = member("Ada")
        factories.package("Engine", maintainers=[Maintainer(user_id=ada.id, name="Ada")])

        admin.press("/admin/packages/engine", f"/admin/packages/engine/remove/{ada.id}")

        assert Package.objects.get().maintainers == []
        assert acts() == [("Grace Hopper", "Removed Ada from the maintainers of engine.", "package engine")]

    def test_maintainer_whose_account_is_gone_is_removed_too(self, admin: Browser) -> None:
        gone = bson.ObjectId()
        factories.package("Engine", maintainers=[Maintainer(user_id=gone, name="Gone")])

        admin.press("/admin/packages/engine", f"/admin/packages/engine/remove/{gone}")

        assert Package.objects.get().maintainers == []

    @pytest.mark.parametrize("path", ["/admin/packages/nothing", "/admin/packages/$ne"])
    def test_package_that_is_not_there_is_not_found(self, admin: Browser, path: str) -> None:
        assert admin.get(path).status_code == 404

    def test_old_button_is_not_found(self, admin: Browser) -> None:
        factories.package("Engine")
        token = admin.token("/admin/packages/engine")

        for user_id in ("x", bson.ObjectId()):
            path = f"/admin/packages/engine/remove/{user_id}"
            assert admin.post(path, data={"csrf_token": token}).status_code == 404


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


class TestNewAccount:
    def test_somebody_gets_an_account_and_a_link_to_choose_a_password(self, app: Flask, admin: Browser) -> None:
        response = admin.send("/admin/users/new", name="Ada Lovelace", email="ada@example.org")

        ada = User.objects.get(email="ada@example.org")
        visitor = browser(app)
        [mail] = outbox(app)
        visitor.send(link_in(mail), password=PASSWORD)
        assert mail.subject == "Your new account · Larder"
        assert "Grace Hopper created an account for you at Larder. Choose a password here:" in mail.body
        assert "Grace Hopper created an account for you at Larder." in str(mail.alternatives[0][0])
        assert response.location == f"/admin/users/{ada.id}"
        assert not ada.is_admin
        assert acts() == [("Grace Hopper", "Created the account.", "user Ada Lovelace")]
        assert visitor.sign_in("ada@example.org").status_code == 302

    def test_nobody_gets_two(self, app: Flask, admin: Browser) -> None:
        response = admin.send("/admin/users/new", name="Other", email="GRACE@example.org")

        assert errors(response) == {"email": "An account with this address already exists."}
        assert User.objects.count() == 1
        assert outbox(app) == []
