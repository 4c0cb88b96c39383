"""Who looks after a project: roles, invitations by mail, leaving."""

import threading

import pytest
from flask import Flask

from tests.accounts.test_two_factor import long_ago
from tests.manage.conftest import NAME, PEOPLE, Join, Publish, id_of, journal_about_people, roles
from tests.people import Browser, errors, member, outbox, signed_in
from tests.reading import one, page_of, texts, words
from webapp.changes.maintaining import LastOwner, end_maintaining
from webapp.documents import AuditEvent, Package, User


def test_owner_changes_roles_and_removes_people(ada: Browser, join: Join, publish: Publish) -> None:
    publish()
    grace = join("Grace Hopper")
    person = f"/manage/{NAME}/maintainers/{id_of('Grace Hopper')}"

    ada.send(f"{person}/owner")
    promoted = roles()
    ada.send(f"{person}/maintainer")
    ada.send(f"{person}/remove")

    assert promoted["Grace Hopper"] == "owner"
    assert roles() == {"Ada Lovelace": "owner"}
    assert [act for act, note in journal_about_people()[:3] if note == "Grace Hopper"] == [
        "remove maintainer",
        "make maintainer",
        "make owner",
    ]
    assert grace.get(f"/manage/{NAME}/").status_code == 403
    about_grace = AuditEvent.objects.about_user(id_of("Grace Hopper")).plain()
    assert f"Removed Grace Hopper from {NAME}." in [event["description"] for event in about_grace]


def test_maintainer_changes_nobody_and_sees_no_button_for_it(join: Join, publish: Publish) -> None:
    publish()
    grace = join("Grace Hopper")
    ada_id = id_of("Ada Lovelace")

    page = page_of(grace.get(PEOPLE))

    assert page.select("main form") == []
    token = {"csrf_token": grace.token("/account/profile")}
    for act in (f"maintainers/{ada_id}/remove", f"maintainers/{ada_id}/maintainer", "invitations/x/revoke"):
        assert grace.post(f"/manage/{NAME}/{act}", data=token).status_code == 403
    assert grace.post(PEOPLE, data=token | {"email": "eve@example.org", "role": "owner"}).status_code == 403
    assert roles() == {"Ada Lovelace": "owner", "Grace Hopper": "maintainer"}


def test_last_owner_cannot_leave_be_removed_or_made_less(ada: Browser, join: Join, publish: Publish) -> None:
    publish()
    join("Grace Hopper")
    person = f"/manage/{NAME}/maintainers/{id_of('Ada Lovelace')}"

    settings, people = page_of(ada.get(f"/manage/{NAME}/settings")), page_of(ada.get(PEOPLE))

    assert "You are the last owner, so you cannot leave." in words(one(settings, "main"))
    assert people.select(f"a[href^='{person}']") == []
    token = {"csrf_token": ada.token("/account/profile")}
    for address in (f"/manage/{NAME}/leave", f"{person}/remove", f"{person}/maintainer"):
        answer = page_of(ada.post(address, data=token), 409)
        assert "Make somebody else an owner first." in words(one(answer, ".lead"))
    assert roles() == {"Ada Lovelace": "owner", "Grace Hopper": "maintainer"}
    assert words(one(page_of(ada.get("/account/delete")), ".banner")).startswith("You are the last owner")


def test_who_leaves_sees_the_project_no_more(join: Join, publish: Publish) -> None:
    publish()
    grace = join("Grace Hopper")

    response = grace.send(f"/manage/{NAME}/leave")

    assert response.location == "/manage/"
    assert roles() == {"Ada Lovelace": "owner"}
    assert grace.get(f"/manage/{NAME}/").status_code == 403
    assert journal_about_people()[0] == ("remove maintainer", "Grace Hopper")


def test_project_of_an_old_site_has_no_owner_and_everybody_there_may_make_one(
    ada: Browser, join: Join, publish: Publish
) -> None:
    publish()
    Package._get_collection().update_one({}, {"$set": {"maintainers.0.role": "maintainer"}})
    grace = join("Grace Hopper")

    page = page_of(grace.get(PEOPLE))
    grace.send(f"/manage/{NAME}/maintainers/{id_of('Grace Hopper')}/owner")

    assert texts(page, ".banner-quiet")[0].startswith("The project has no owner yet")
    assert roles() == {"Ada Lovelace": "maintainer", "Grace Hopper": "owner"}
    assert ada.get(f"/manage/{NAME}/delete").status_code == 403


@pytest.mark.real_server
def test_of_two_last_owners_who_leave_at_once_one_stays(app: Flask, join: Join, publish: Publish) -> None:
    publish()
    join("Grace Hopper", "owner")
    users = list(User.objects)
    refused: list[LastOwner] = []

    def leave(user: User) -> None:
        try:
            end_maintaining(NAME, user.id, user)
        except LastOwner as error:
            refused.append(error)

    threads = [threading.Thread(target=leave, args=(user,)) for user in users]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(refused) == 1
    assert list(roles().values()) == ["owner"]


@pytest.mark.parametrize("act", ["leave", "maintainers/{}/owner", "maintainers/{}/maintainer", "maintainers/{}/remove"])
def test_who_rules_changes_only_after_a_question_and_a_recent_sign_in(
    ada: Browser, join: Join, publish: Publish, act: str
) -> None:
    publish()
    join("Grace Hopper", "owner")
    address = f"/manage/{NAME}/" + act.format(id_of("Grace Hopper"))

    asked = page_of(ada.get(address))
    before = roles()
    token = ada.token(address)
    long_ago(minutes=61)

    assert len(asked.select("main form[method=post] button")) == 1
    assert ada.get(address).location == f"/account/confirm?next={address}"
    assert ada.post(address, data={"csrf_token": token}).location == "/account/confirm"
    assert roles() == before


def test_owners_and_the_person_are_told_of_a_new_role(app: Flask, ada: Browser, join: Join, publish: Publish) -> None:
    publish()
    join("Grace Hopper")
    join("Emmy Noether", "owner")

    ada.send(f"/manage/{NAME}/maintainers/{id_of('Grace Hopper')}/owner")

    assert sorted(mail.to[0] for mail in outbox(app)) == ["ada@example.org", "emmy@example.org", "grace@example.org"]
    assert outbox(app)[0].subject == f"{NAME}: Made Grace Hopper an owner of {NAME} · Larder"
    assert f"Ada Lovelace made Grace Hopper an owner of {NAME} at Larder." in outbox(app)[0].body


def test_team_of_twenty_is_invited_in_one_sitting(
    app: Flask, ada: Browser, publish: Publish, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish()
    monkeypatch.setitem(app.config, "MAIL_LIMIT", "2/hour")

    statuses = [ada.send(PEOPLE, email=f"n{number}@example.org", role="maintainer").status_code for number in range(20)]

    assert statuses == [302] * 20


def test_member_is_invited_by_username(app: Flask, ada: Browser, publish: Publish) -> None:
    publish()
    member("Grace", username="grace")

    invited = ada.send(PEOPLE, email="grace", role="maintainer")
    refused = [ada.send(PEOPLE, email=email, role="maintainer") for email in ("nobody", "ada@example.org")]

    assert invited.status_code == 302
    assert outbox(app)[-1].to == ["grace@example.org"]
    link = str(one(page_of(ada.get(PEOPLE)), "a.invitation-link")["href"])
    assert signed_in(app, "Hedy").send(link.removeprefix("http://localhost")).status_code == 302
    assert roles()["Hedy"] == "maintainer"
    assert [set(errors(each)) for each in refused] == [{"email"}, {"email"}]
