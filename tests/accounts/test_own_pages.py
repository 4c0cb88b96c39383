import pytest
from flask import Flask

from tests import factories
from tests.people import (
    ANOTHER,
    PASSWORD,
    Browser,
    browser,
    errors,
    link_in,
    member,
    outbox,
    signed_in,
    signed_in_by_form,
)
from tests.reading import links, one, page_of, texts, words
from webapp.accounts import own_pages
from webapp.accounts.signing_in import WRONG
from webapp.changes.administrators import make_administrator
from webapp.documents import AuditEvent, Maintainer, Membership, Package, TeamRole, User


def test_account_shows_profile_projects_and_activity(app: Flask) -> None:
    visitor = signed_in_by_form(app, username="ada", profile_image_url="https://images.example.org/ada.png")
    ada = User.objects.get()
    factories.package("Engine", maintainers=[Maintainer(user_id=ada.id, name="Ada")])
    factories.package("Other")

    page = page_of(visitor.get("/account"))

    assert words(one(page, "h1")) == "Ada Lovelace"
    assert ("Your public profile", "/user/ada/") in links(page)
    assert texts(page, ".settings dd:nth-of-type(1)") == [
        "Ada Lovelace",
        "ada",
        "images.example.org",
        "ada@example.org",
        "•••••••••",
        "none",
        "none",
        "none",
    ]
    assert links(page, ".package-link") == [("Engine 1.0", "/project/engine/")]
    assert [each.split(" 20")[0] for each in texts(page, ".events li")] == ["Signed in."]
    assert page.select('a[href="/admin/"]') == []


def test_administrator_finds_the_way_to_the_administration(app: Flask) -> None:
    page = page_of(signed_in(app, is_admin=True).get("/account"))

    assert ("Administration", "/admin/") in links(page)


@pytest.mark.parametrize(
    "path",
    ["/account", "/account/profile", "/account/password", "/account/email", "/account/tokens/", "/account/delete"],
)
def test_page_of_members_leads_others_to_signing_in(visitor: Browser, path: str) -> None:
    response = visitor.get(path)

    assert (response.status_code, response.location) == (302, f"/account/login?next={path}")


class TestProfile:
    def test_name_changes_here_in_public_and_in_the_packages(self, app: Flask) -> None:
        visitor = signed_in(app)
        ada = User.objects.get()
        factories.package("Engine", maintainers=[Maintainer(user_id=ada.id, name="Ada"), Maintainer(user_id=ada.id)])
        before = Package.objects.get().updated_date

        response = visitor.send("/account/profile", name=" Augusta King ", profile_image_url="")

        assert (response.status_code, response.location) == (302, "/account")
        assert User.objects.get().name == "Augusta King"
        assert words(one(page_of(visitor.get(f"/user/{ada.id}/")), "h1")) == "Augusta King"
        assert Package.objects.get().maintainers[0].name == "Augusta King"
        assert Package.objects.get().updated_date > before
        assert AuditEvent.objects.of_kind("profile").count() == 1

    def test_username_signs_in_and_leads_to_the_profile(self, app: Flask) -> None:
        visitor = signed_in(app)

        visitor.send("/account/profile", name="Ada Lovelace", username=" Countess.Ada ")

        assert User.objects.get().username == "countess.ada"
        assert browser(app).sign_in("Countess.Ada").status_code == 302
        account = page_of(visitor.get("/account"))
        assert ("Your public profile", "/user/countess.ada/") in links(account)
        assert words(one(page_of(visitor.get("/user/countess.ada/")), "h1")) == "Ada Lovelace"

    @pytest.mark.parametrize("username", ["grace", "Grace", " GRACE "])
    def test_username_of_somebody_else_is_refused_and_nothing_is_changed(self, app: Flask, username: str) -> None:
        member("Grace Hopper", username="grace")
        visitor = signed_in(app)

        response = visitor.send("/account/profile", name="Another", username=username)

        assert errors(response) == {"username": "This username is taken."}
        assert User.objects(username="grace").count() == 1
        assert User.objects(name="Another").count() == 0

    @pytest.mark.parametrize("username", ["63", "9" * 24, "f" * 24, "a b", "a/b", "-", "ada@example.org", "x" * 51])
    def test_username_that_is_no_part_of_an_address_is_refused(self, app: Flask, username: str) -> None:
        response = signed_in(app).send("/account/profile", name="Ada", username=username)

        assert errors(response)["username"].startswith("Use 1 to 50 letters")
        assert page_of(response, 400).select_one("#username")["value"] == username  # type: ignore[index]

    def test_username_that_came_from_elsewhere_may_stay_and_can_be_given_up(self, app: Flask) -> None:
        visitor = signed_in(app, username="a b")

        assert visitor.send("/account/profile", name="Augusta", username="a b").status_code == 302
        assert User.objects.get().username == "a b"

        assert visitor.send("/account/profile", name="Augusta", username="").status_code == 302
        assert "username" not in User._get_collection().find_one()

    def test_username_that_came_from_elsewhere_may_differ_from_anothers_in_case(self, app: Flask) -> None:
        member("Bob", username="ada")
        visitor = signed_in(app, username="Ada")

        assert visitor.send("/account/profile", name="Augusta", username="Ada").status_code == 302
        assert User.objects.get(name="Augusta").username == "Ada"

        refused = visitor.send("/account/profile", name="Augusta", username="ADA")
        assert errors(refused) == {"username": "This username is taken."}

    def test_projects_are_left_alone_unless_the_name_changes(self, app: Flask) -> None:
        visitor = signed_in(app)
        factories.package("Engine", maintainers=[Maintainer(user_id=User.objects.get().id, name="Ada Lovelace")])
        before = Package._get_collection().find_one()

        visitor.send("/account/profile", name="Ada Lovelace", username="ada")

        assert User.objects.get().username == "ada"
        assert Package._get_collection().find_one() == before

    def test_form_begins_with_what_is_there(self, app: Flask) -> None:
        page = page_of(signed_in(app, profile_image_url="https://images.example.org/a.png").get("/account/profile"))

        assert one(page, "#name")["value"] == "Ada Lovelace"
        assert one(page, "#profile_image_url")["value"] == "https://images.example.org/a.png"

    def test_picture_can_be_taken_away(self, app: Flask) -> None:
        visitor = signed_in(app, profile_image_url="https://images.example.org/a.png")

        visitor.send("/account/profile", name="Ada", profile_image_url=" ")

        assert "profile_image_url" not in User._get_collection().find_one()

    @pytest.mark.parametrize(
        "url",
        [
            "javascript:alert(1)",
            "http://example.org/a.png",
            "//example.org/a",
            "data:image/png,x",
            "https://",
            "ada.png",
        ],
    )
    def test_picture_is_an_address_on_the_web(self, app: Flask, url: str) -> None:
        response = signed_in(app).send("/account/profile", name="Ada", profile_image_url=url)

        assert errors(response) == {"profile_image_url": "Enter an address that starts with https://."}

    @pytest.mark.parametrize("field", ["is_admin", "email", "hashed_password", "is_disabled", "sessions"])
    def test_other_fields_count_for_nothing(self, app: Flask, field: str) -> None:
        visitor = signed_in(app)
        before = User._get_collection().find_one()

        assert visitor.send("/account/profile", **{"name": "Ada Lovelace", field: "1"}).status_code == 302

        assert User._get_collection().find_one() == before


class TestPassword:
    def test_password_changes(self, app: Flask) -> None:
        visitor = signed_in(app)

        response = visitor.send("/account/password", password=PASSWORD, new_password=ANOTHER)

        assert response.location == "/account"
        assert errors(browser(app).sign_in("ada@example.org")) == {"password": WRONG}
        assert browser(app).sign_in("ada@example.org", ANOTHER).status_code == 302

    def test_its_owner_is_told_by_mail(self, app: Flask) -> None:
        signed_in(app).send("/account/password", password=PASSWORD, new_password=ANOTHER)

        [mail] = outbox(app)
        assert mail.to == ["ada@example.org"]
        assert mail.subject == "Your password was changed · Larder"
        assert link_in(mail) == "/account/forgotten"
        assert ANOTHER not in mail.body

    @pytest.mark.parametrize(
        ("password", "new_password", "field", "reason"),
        [
            ("wrong", ANOTHER, "password", "The password is incorrect."),
            ("", ANOTHER, "password", "This field is required."),
            (PASSWORD, "short", "new_password", "Use 8 to 4096 characters."),
            (PASSWORD, "ada lovelace", "new_password", "This password is too easy to guess."),
            (PASSWORD, "ada@example.org", "new_password", "This password is too easy to guess."),
        ],
    )
    def test_what_is_wrong_stands_beside_the_field(
        self, app: Flask, password: str, new_password: str, field: str, reason: str
    ) -> None:
        visitor = signed_in(app)

        response = visitor.send("/account/password", password=password, new_password=new_password)

        assert response.status_code == 400
        assert list(errors(response)) == [field]
        assert errors(response)[field].startswith(reason)
        assert browser(app).sign_in("ada@example.org").status_code == 302

    def test_stolen_session_cannot_try_passwords_without_end(self, app: Flask) -> None:
        visitor = signed_in(app)
        fields = visitor.hidden_fields("/account/password") | {"new_password": ANOTHER}

        codes = [visitor.post("/account/password", data=fields | {"password": "wrong"}).status_code for _ in range(11)]

        assert codes == [400] * 10 + [429]
        assert visitor.post("/account/password", data=fields | {"password": PASSWORD}).status_code == 429


class TestEmail:
    def test_link_from_the_new_mailbox_changes_the_address_and_the_old_one_is_told(self, app: Flask) -> None:
        visitor = signed_in(app)

        response = visitor.send("/account/email", email=" Augusta@Example.org ", password=PASSWORD)

        assert "augusta@example.org" in page_of(response).text.lower()
        assert User.objects.get().email == "ada@example.org"
        to_new, to_old = outbox(app)
        assert to_new.to == ["Augusta@Example.org"]
        assert to_old.to == ["ada@example.org"]
        assert "Augusta@Example.org" in to_old.body
        path = link_in(to_new)
        assert User.objects.get().email == "ada@example.org"
        assert browser(app).get(path).status_code == 200
        assert User.objects.get().email == "ada@example.org"
        assert browser(app).send(path).location == "/account"
        user = User.objects.get()
        assert (user.email, user.email_folded) == ("Augusta@Example.org", "augusta@example.org")
        assert outbox(app)[2].to == ["ada@example.org"]
        assert browser(app).sign_in("augusta@example.org").status_code == 302
        assert browser(app).sign_in("ada@example.org").status_code == 400
        kinds = [event.description for event in AuditEvent.objects.of_kind("e-mail")]
        assert kinds[0] == "Changed the address from ada@example.org to Augusta@Example.org."

    def test_link_is_good_once(self, app: Flask) -> None:
        visitor = signed_in(app)
        visitor.send("/account/email", email="augusta@example.org", password=PASSWORD)
        path = link_in(outbox(app)[0])
        visitor.send(path)
        visitor.send("/account/email", email="ada@example.org", password=PASSWORD)
        visitor.send(link_in(outbox(app)[3]))
        assert User.objects.get().email == "ada@example.org"

        User.objects.update(email="countess@example.org", email_folded="countess@example.org")

        assert visitor.get(path).status_code == 410

    def test_changed_password_makes_the_link_worthless(self, app: Flask) -> None:
        visitor = signed_in(app)
        visitor.send("/account/email", email="augusta@example.org", password=PASSWORD)
        path = link_in(outbox(app)[0])
        token = visitor.token("/account/password")

        visitor.send("/account/password", password=PASSWORD, new_password=ANOTHER)

        assert visitor.get(path).status_code == 410
        assert visitor.post(path, data={"csrf_token": token}).status_code == 410

    def test_address_that_somebody_took_meanwhile_stays_theirs(self, app: Flask) -> None:
        visitor = signed_in(app)
        visitor.send("/account/email", email="grace@example.org", password=PASSWORD)
        member("Grace")

        response = visitor.send(link_in(outbox(app)[0]))

        assert response.status_code == 409
        assert "Another account uses this address." in response.text
        assert User.objects(name="Ada Lovelace").get().email == "ada@example.org"

    @pytest.mark.parametrize(
        ("email", "password", "expected"),
        [
            ("augusta@example.org", "wrong", {"password": "The password is incorrect."}),
            ("ADA@example.org", PASSWORD, {"email": "This is already your address."}),
            ("nothing", PASSWORD, {"email": "Enter a valid email address, such as ada@example.org."}),
        ],
    )
    def test_what_is_wrong_stands_beside_the_field(
        self, app: Flask, email: str, password: str, expected: dict[str, str]
    ) -> None:
        response = signed_in(app).send("/account/email", email=email, password=password)

        assert errors(response) == expected
        assert outbox(app) == []

    @pytest.mark.parametrize("token", ["x", "a.b.c", "x" * 5000, "WyJhIl0.x.y", "%00"])
    def test_link_that_is_none_is_refused(self, visitor: Browser, token: str) -> None:
        assert visitor.get(f"/account/email/{token}").status_code == 410


class TestDeletion:
    def test_account_is_gone_and_signed_out(self, app: Flask) -> None:
        visitor = signed_in(app)
        other = browser(app)
        other.sign_in("ada@example.org")

        response = visitor.send("/account/delete", password=PASSWORD)

        assert words(one(page_of(response), "h1")) == "Your account was deleted"
        assert User.objects.count() == 0
        assert not visitor.is_signed_in()
        assert not other.is_signed_in()
        assert AuditEvent.objects.of_kind("deletion").get().actor_name == "Ada Lovelace"

    def test_password_is_asked_again(self, app: Flask) -> None:
        response = signed_in(app).send("/account/delete", password="wrong")

        assert errors(response) == {"password": "The password is incorrect."}
        assert User.objects.count() == 1

    def test_project_that_nobody_else_maintains_stands_in_the_way(self, app: Flask) -> None:
        visitor = signed_in(app)
        ada = User.objects.get()
        factories.package("Engine", maintainers=[Maintainer(user_id=ada.id, name="Ada")])

        page = page_of(visitor.get("/account/delete"))
        token = visitor.token("/account/profile")
        response = visitor.post("/account/delete", data={"password": PASSWORD, "csrf_token": token})

        assert page.select("main form") == []
        for shown in (page, page_of(response, 400)):
            assert words(one(shown, ".banner")).startswith("You are the last owner of this project.")
            assert ("Engine", "/manage/engine/maintainers") in links(shown, "main a")
        assert User.objects.count() == 1
        assert len(Package.objects.get().maintainers) == 1

    def test_shared_project_goes_on_with_the_others(self, app: Flask) -> None:
        visitor = signed_in(app)
        ada, grace = User.objects.get(), member("Grace")
        both = [Maintainer(user_id=ada.id, name="Ada"), Maintainer(user_id=grace.id, name="Grace")]
        factories.package("Engine", maintainers=both)

        visitor.send("/account/delete", password=PASSWORD)

        assert [each.name for each in Package.objects.get().maintainers] == ["Grace"]
        assert User.objects.get().name == "Grace"

    def test_last_administrator_stays(self, app: Flask) -> None:
        visitor = signed_in(app, is_admin=True)

        response = visitor.send("/account/delete", password=PASSWORD)

        assert errors(response) == {"password": "The site needs an administrator, and nobody else is one."}
        assert User.objects.count() == 1

    def test_last_administrator_without_a_password_is_told_so(self, app: Flask) -> None:
        visitor = signed_in(app, password=None, is_admin=True)

        response = visitor.send("/account/delete")

        assert "The site needs an administrator" in words(one(page_of(response, 400), ".banner"))
        assert User.objects.count() == 1

    def test_last_member_of_the_team_that_owns_a_project_stays(self, app: Flask) -> None:
        visitor = signed_in(app, teams=[Membership(team="staff")])
        factories.package("Engine", teams=[TeamRole(team="staff", role="owner")])

        page = page_of(visitor.get("/account/delete"))

        assert page.select("main form") == []
        assert ("Engine", "/manage/engine/maintainers") in links(page, "main a")

    def test_owner_who_leaves_at_the_same_moment_stands_in_the_way(
        self, app: Flask, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        visitor = signed_in(app)
        ada, grace = User.objects.get(), member("Grace")
        both = [Maintainer(user_id=each.id, name=each.name, role="owner") for each in (ada, grace)]
        factories.package("Engine", maintainers=both)
        token = visitor.token("/account/delete")
        monkeypatch.setattr(own_pages, "needing", lambda _: [])
        User.objects(pk=grace.id).update(being_deleted="a mark")

        response = visitor.post("/account/delete", data={"password": PASSWORD, "csrf_token": token})

        assert errors(response)["password"].startswith("Engine needs an owner")
        assert User.objects.count() == 2

    def test_administrator_beside_another_one_may_leave(self, app: Flask) -> None:
        visitor = signed_in(app, is_admin=True)
        grace = member("Grace")
        make_administrator(grace.id)

        visitor.send("/account/delete", password=PASSWORD)

        assert User.objects.get().name == "Grace"


def test_profile_in_public_links_to_the_picture(visitor: Browser) -> None:
    member(username="ada", profile_image_url="https://images.example.org/ada.png")
    member("Grace", username="grace", profile_image_url="javascript:alert(1)")

    assert ("Picture", "https://images.example.org/ada.png") in links(page_of(visitor.get("/user/ada/")))
    assert "javascript" not in visitor.get("/user/grace/").text.replace("text/javascript", "")
