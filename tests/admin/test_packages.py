"""Every project, as administrators find it and act on it."""

import pytest
from flask import Flask

from tests import factories
from tests.accounts.test_two_factor import long_ago
from tests.admin.conftest import acts
from tests.people import Browser, errors, member, outbox, signed_in
from tests.reading import links, page_of, texts, words
from webapp.documents import JournalEntry, Maintainer, Package, ProjectStatus

WHY = "It is malware"


@pytest.fixture
def engine(admin: Browser) -> Package:
    """A project of Ada's with two releases."""
    ada = member("Ada")
    owner = Maintainer(user_id=ada.id, name="Ada", role="owner")
    return factories.package("Engine", releases=["1.0", "2.0"], maintainers=[owner])


class TestList:
    def test_every_project_is_listed_with_who_maintains_it(self, admin: Browser, engine: Package) -> None:
        factories.package("Other", status=ProjectStatus(marker="quarantined", reason="It steals"))

        page = page_of(admin.get("/admin/packages/"))

        assert texts(page, "tbody td:first-child") == ["Engine", "Other"]
        assert texts(page, "tbody td:nth-of-type(2)")[0] == "2.0"
        assert texts(page, "tbody td:nth-of-type(3)")[0] == "Ada owner"
        assert texts(page, "tbody td:nth-of-type(4)") == ["", "quarantined It steals"]
        assert texts(page_of(admin.get("/admin/packages/?status=quarantined")), "tbody td:first-child") == ["Other"]

    @pytest.mark.parametrize(
        ("text", "found"),
        [
            ("flask", ["Flask", "Flask-Login", "My-Flask"]),
            ("FLASK_l", ["Flask-Login"]),
            ("k-", ["Flask-Login"]),
            (".*", []),
            ("nothing", []),
        ],
    )
    def test_project_is_found_by_a_part_of_its_name(self, admin: Browser, text: str, found: list[str]) -> None:
        for name in ("Flask-Login", "My-Flask", "Click", "Flask"):
            factories.package(name)

        page = page_of(admin.get(f"/admin/packages/?name={text}"))

        shown = texts(page, "tbody td:first-child a")
        assert shown == (found if text != ".*" else [])

    def test_list_is_paged_and_bounded(self, admin: Browser) -> None:
        for number in range(21):
            factories.package(f"package-{number}")

        assert len(page_of(admin.get("/admin/packages/?page=2&name=package")).select("tbody tr")) == 1
        assert admin.get("/admin/packages/?name=" + "x" * 201).status_code == 413
        assert admin.get("/admin/packages").location.endswith("/admin/packages/")


class TestManagement:
    @pytest.mark.parametrize("page", ["", "release/1.0", "maintainers", "history", "settings"])
    def test_administrator_opens_the_management_of_any_project(
        self, app: Flask, admin: Browser, engine: Package, page: str
    ) -> None:
        shown = page_of(admin.get(f"/manage/engine/{page}"))

        assert ("Act on it in Administration", "/admin/packages/engine") in links(shown)
        assert shown.select("main form[method=post]") == []
        assert signed_in(app, "Eve").get(f"/manage/engine/{page}").status_code == 403

    def test_acts_there_stay_closed(self, admin: Browser, engine: Package) -> None:
        token = {"csrf_token": admin.token("/account/profile"), "reason": "x", "typed": "Engine"}
        for act in ("yank/1.0", "delete", "delete-release/1.0", "leave", "status"):
            assert admin.get(f"/manage/engine/{act}").status_code == 403, act
            assert admin.post(f"/manage/engine/{act}", data=token).status_code == 403, act


ACTS = {
    "quarantine": ("Quarantined engine", "mark quarantined", {}),
    "yank/1.0": ("Yanked engine 1.0", "yank release", {}),
    "delete-release/1.0": ("Deleted engine 1.0", "remove release", {"typed": "Engine 1.0"}),
    "delete": ("Deleted the project engine", "remove project", {"typed": "Engine"}),
}


class TestActs:
    @pytest.mark.parametrize("act", ACTS)
    def test_act_is_done_recorded_and_told_to_the_owners(
        self, app: Flask, admin: Browser, engine: Package, act: str
    ) -> None:
        said, action, fields = ACTS[act]

        response = admin.send(f"/admin/packages/engine/{act}", reason=WHY, **fields)

        assert response.status_code == 302
        assert JournalEntry.objects.about_package("engine").plain()[0]["action"] == action
        assert acts() == [("Grace Hopper", f"{said}. Reason: {WHY}", "package engine")]
        [mail] = outbox(app)
        assert (mail.to, mail.subject) == (["ada@example.org"], f"Engine: {said} · Larder")
        assert f"Grace Hopper {said[0].lower()}{said[1:]} at Larder.\n\nReason: {WHY}\n" in mail.body
        assert WHY in str(mail.alternatives[0][0])

    @pytest.mark.parametrize("act", ACTS)
    def test_reason_is_required(self, app: Flask, admin: Browser, engine: Package, act: str) -> None:
        response = admin.send(f"/admin/packages/engine/{act}", reason=" ", **ACTS[act][2])

        assert errors(response) == {"reason": "This field is required."}
        assert outbox(app) == []

    def test_quarantine_ends_with_a_reason_and_a_mail(self, app: Flask, admin: Browser, engine: Package) -> None:
        admin.send("/admin/packages/engine/quarantine", reason=WHY)

        admin.send("/admin/packages/engine/end-quarantine", reason="A false alarm")

        assert Package.objects.get().status is None
        assert "ended the quarantine of engine at Larder." in outbox(app)[-1].body
        assert "Reason: A false alarm" in outbox(app)[-1].body
        assert admin.send("/admin/packages/engine/end-quarantine", reason="x").status_code == 404

    def test_quarantined_project_can_be_yanked_and_deleted(self, admin: Browser, engine: Package) -> None:
        admin.send("/admin/packages/engine/quarantine", reason=WHY)

        admin.send("/admin/packages/engine/yank/1.0", reason=WHY)
        assert Package.objects.get().releases_of("1.0")[0].yanked_reason == WHY
        admin.send("/admin/packages/engine/delete", reason=WHY, typed="engine")

        assert Package.objects.count() == 0

    @pytest.mark.parametrize("act", ["delete", "delete-release/1.0"])
    def test_deletion_asks_for_the_name_and_a_recent_sign_in(self, admin: Browser, engine: Package, act: str) -> None:
        assert list(errors(admin.send(f"/admin/packages/engine/{act}", reason=WHY, typed="other"))) == ["typed"]
        long_ago("grace@example.org", minutes=61)

        assert admin.get(f"/admin/packages/engine/{act}").location.startswith("/account/confirm")
        assert len(Package.objects.get().releases) == 2

    @pytest.mark.parametrize(
        "path", ["nothing/yank/1.0", "engine/yank/3.0", "Engine/quarantine", "engine/delete-release/3.0"]
    )
    def test_what_is_not_there_is_not_found(self, admin: Browser, engine: Package, path: str) -> None:
        assert admin.get(f"/admin/packages/{path}").status_code == 404

    def test_page_says_what_follows(self, admin: Browser, engine: Package) -> None:
        page = page_of(admin.get("/admin/packages/engine/delete"))

        assert "The name of the project becomes available" in words(page)
        assert texts(page, "h1") == ["Delete Engine"]
