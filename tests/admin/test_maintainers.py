"""Who maintains a project, as administrators change it."""

import bson
import pytest
from flask import Flask

from tests import factories
from tests.accounts.test_two_factor import long_ago
from tests.admin.conftest import acts
from tests.people import Browser, errors, member, outbox
from tests.reading import page_of, words
from webapp.documents import Maintainer, Package
from webapp.documents.package import TeamRole

WHY = "Its owner asked for it"


class TestMaintainers:
    @pytest.mark.parametrize("who", ["ada@example.org", "ADA@example.org", "ada", "{}"])
    def test_maintainer_is_added_by_address_username_or_id(self, admin: Browser, who: str) -> None:
        ada = member("Ada", username="ada")
        factories.package("Engine")

        response = admin.send("/admin/packages/engine", user=who.format(ada.id), role="owner", reason=WHY)

        assert response.location == "/admin/packages/engine"
        [maintainer] = Package.objects.get().maintainers
        assert (maintainer.user_id, maintainer.name, maintainer.role) == (ada.id, "Ada", "owner")
        assert acts() == [("Grace Hopper", f"Made Ada an owner of engine. Reason: {WHY}", "package engine")]

    @pytest.mark.parametrize("who", ["nobody@example.org", "nobody", "f" * 24, '{"$ne": null}'])
    def test_who_is_not_there_cannot_maintain(self, admin: Browser, who: str) -> None:
        factories.package("Engine")

        response = admin.send("/admin/packages/engine", user=who, role="owner", reason=WHY)

        assert errors(response) == {"user": "User not found."}

    def test_who_maintains_it_already_is_refused(self, admin: Browser) -> None:
        member("Ada")
        factories.package("Engine")
        admin.send("/admin/packages/engine", user="ada@example.org", role="owner", reason=WHY)

        response = admin.send("/admin/packages/engine", user="ada@example.org", role="maintainer", reason=WHY)

        assert errors(response)["user"].startswith("Ada is already a maintainer")

    def test_role_is_one_of_two(self, admin: Browser) -> None:
        member("Ada")
        factories.package("Engine")

        response = admin.send("/admin/packages/engine", user="ada@example.org", role="god", reason=WHY)

        assert list(errors(response)) == ["role"]

    def test_maintainer_is_removed(self, admin: Browser) -> None:
        ada = member("Ada")
        factories.package("Engine", maintainers=[Maintainer(user_id=ada.id, name="Ada")])

        admin.send(f"/admin/packages/engine/remove/{ada.id}", reason=WHY)

        assert Package.objects.get().maintainers == []
        assert acts() == [
            ("Grace Hopper", f"Removed Ada from the maintainers of engine. Reason: {WHY}", "package engine")
        ]

    def test_maintainer_whose_account_is_gone_is_removed_too(self, admin: Browser) -> None:
        gone = bson.ObjectId()
        factories.package("Engine", maintainers=[Maintainer(user_id=gone, name="Gone")])

        admin.send(f"/admin/packages/engine/remove/{gone}", reason=WHY)

        assert Package.objects.get().maintainers == []

    @pytest.mark.parametrize("path", ["/admin/packages/nothing", "/admin/packages/$ne"])
    def test_package_that_is_not_there_is_not_found(self, admin: Browser, path: str) -> None:
        assert admin.get(path).status_code == 404

    def test_old_button_is_not_found(self, admin: Browser) -> None:
        factories.package("Engine")
        token = admin.token("/admin/packages/engine")

        for user_id in ("x", bson.ObjectId()):
            path = f"/admin/packages/engine/remove/{user_id}"
            assert admin.post(path, data={"csrf_token": token, "reason": WHY}).status_code == 404

    def test_page_says_that_nobody_else_owns_it(self, admin: Browser) -> None:
        ada = member("Ada")
        factories.package("Engine", maintainers=[Maintainer(user_id=ada.id, name="Ada", role="owner")])

        page = page_of(admin.get(f"/admin/packages/engine/remove/{ada.id}"))

        assert "afterwards only administrators can manage it." in words(page)
        assert errors(admin.send(f"/admin/packages/engine/remove/{ada.id}")) == {"reason": "This field is required."}

    @pytest.mark.parametrize("address", ["", "/transfer", "/remove/{}"])
    def test_roles_change_only_after_a_recent_sign_in(self, admin: Browser, address: str) -> None:
        ada = member("Ada")
        factories.package("Engine", maintainers=[Maintainer(user_id=ada.id, name="Ada")])
        long_ago("grace@example.org", minutes=61)

        answer = admin.get("/admin/packages/engine" + address.format(ada.id))

        assert answer.location.startswith("/account/confirm?next=/admin/packages/engine")

    @pytest.mark.parametrize("address", ["", "/transfer"])
    def test_account_that_is_being_deleted_gets_no_role(self, admin: Browser, address: str) -> None:
        member("Emmy", being_deleted="a mark")
        factories.package("Engine")

        response = admin.send(f"/admin/packages/engine{address}", user="emmy@example.org", role="owner", reason=WHY)

        assert errors(response) == {"user": "This account is just being deleted."}
        assert Package.objects.get().maintainers == []


class TestTransfer:
    def test_new_owner_is_the_only_one_and_everybody_is_told(self, app: Flask, admin: Browser) -> None:
        ada, emmy = member("Ada"), member("Emmy")
        owner = Maintainer(user_id=ada.id, name="Ada", role="owner")
        factories.package("Engine", maintainers=[owner], teams=[TeamRole(team="core", role="owner")])

        response = admin.send("/admin/packages/engine/transfer", user="emmy@example.org", reason=WHY)

        package = Package.objects.get()
        assert response.location == "/admin/packages/engine"
        assert [(each.name, each.role) for each in package.maintainers] == [("Emmy", "owner"), ("Ada", "maintainer")]
        assert [each.role for each in package.teams] == ["maintainer"]
        assert acts() == [("Grace Hopper", f"Transferred engine to Emmy. Reason: {WHY}", "package engine")]
        assert sorted(mail.to[0] for mail in outbox(app)) == ["ada@example.org", "emmy@example.org"]
        assert f"Grace Hopper transferred engine to Emmy at Larder.\n\nReason: {WHY}\n" in outbox(app)[0].body
        again = admin.send("/admin/packages/engine/transfer", user=str(emmy.id), reason=WHY)
        assert errors(again) == {"user": "Emmy is already the only owner."}

    @pytest.mark.parametrize("who", ["emmy@example.org", "nobody@example.org"])
    def test_nobody_else_gets_it(self, admin: Browser, who: str) -> None:
        member("Emmy", is_disabled=True)
        factories.package("Engine")

        response = admin.send("/admin/packages/engine/transfer", user=who, reason=WHY)

        assert list(errors(response)) == ["user"]
        assert Package.objects.get().maintainers == []
