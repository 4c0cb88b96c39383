"""Accounts as administrators see and change them."""

import bson
import pytest
from flask import Flask

from tests import factories
from tests.accounts.test_two_factor import long_ago
from tests.admin.conftest import acts
from tests.people import PASSWORD, Browser, browser, errors, link_in, member, outbox, signed_in
from tests.reading import links, one, page_of, texts, words
from webapp.documents import AuditEvent, Maintainer, User


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

        response = admin.send(f"/admin/users/{ada.id}/make-administrator")
        assert response.location == f"/admin/users/{ada.id}"
        assert User.objects(pk=ada.id).get().is_admin
        admin.send(f"/admin/users/{ada.id}/remove-administrator")

        assert not User.objects(pk=ada.id).get().is_admin
        assert acts() == [
            ("Grace Hopper", "Made Ada an administrator.", "user Ada"),
            ("Grace Hopper", "Removed Ada as administrator.", "user Ada"),
        ]
        event = AuditEvent.objects.of_kind("administration").first()
        assert event.ip_address == "127.0.0.1"
        assert event.user_id == ada.id
        assert event.created_date

    @pytest.mark.parametrize("act", ["remove-administrator", "disable"])
    def test_last_administrator_stays(self, admin: Browser, act: str) -> None:
        grace = User.objects.get()

        response = admin.send(f"/admin/users/{grace.id}/{act}")

        page = page_of(response, 409)
        assert words(one(page, ".lead")) == "The site needs an administrator, and nobody else is one."
        assert User.objects.get().is_admin
        assert acts() == []
        assert admin.get("/admin/").status_code == 200

    def test_disabled_user_is_out_and_back_when_enabled(self, app: Flask, admin: Browser) -> None:
        visitor = signed_in(app)
        ada = User.objects(name="Ada Lovelace").get()

        admin.send(f"/admin/users/{ada.id}/disable")
        assert not visitor.is_signed_in()
        assert visitor.sign_in("ada@example.org").status_code == 400
        admin.send(f"/admin/users/{ada.id}/enable")

        assert visitor.sign_in("ada@example.org").status_code == 302
        assert [what for _, what, _ in acts()] == [
            "Disabled the account of Ada Lovelace.",
            "Enabled the account of Ada Lovelace and revoked its API tokens.",
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

    @pytest.mark.parametrize("act", ["make-administrator", "remove-administrator", "disable", "enable"])
    def test_act_needs_a_recent_sign_in(self, admin: Browser, act: str) -> None:
        ada = member("Ada")
        address = f"/admin/users/{ada.id}/{act}"
        token = admin.token(address)
        long_ago("grace@example.org", minutes=61)

        assert admin.get(address).location == f"/account/confirm?next={address}"
        assert admin.post(address, data={"csrf_token": token}).location == "/account/confirm"
        assert acts() == []

    def test_whom_it_concerns_and_administrators_are_told(self, app: Flask, admin: Browser) -> None:
        ada = member("Ada")

        admin.send(f"/admin/users/{ada.id}/make-administrator")

        assert sorted(mail.to[0] for mail in outbox(app)) == ["ada@example.org", "grace@example.org"]
        assert outbox(app)[0].subject == "Made Ada an administrator · Larder"
        assert "Grace Hopper made Ada an administrator." in outbox(app)[0].body

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
