"""Whose account it is: connected, found by its address, made anew; and what groups and addresses change."""

from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask

from tests.openid.identity_provider import use
from tests.people import member, outbox
from webapp.documents import AuditEvent, Team, User
from webapp.documents.base import utc_now
from webapp.documents.user import Identity, Membership
from webapp.members.identities import NoAccount, Person, account_of, free_username

ISSUER = "https://login.example.org"
ADA = Person(ISSUER, "ada-1815", "Ada Lovelace", "ada", "ada@example.org", has_proved_email=True, groups=None)


@pytest.fixture(autouse=True)
def request_context(app: Flask) -> Iterator[None]:
    with app.test_request_context():
        yield


def allow(app: Flask, patch: pytest.MonkeyPatch, **settings: Any) -> None:
    use(app, patch, ISSUER, **settings)


def identity(**fields: Any) -> Identity:
    return Identity(**{"issuer": ISSUER, "subject": "ada-1815", "connected_at": utc_now()} | fields)


def reason(person: Person = ADA) -> str:
    with pytest.raises(NoAccount) as refused:
        account_of(person)
    return str(refused.value)


def events() -> list[str]:
    return [each.description for each in AuditEvent.objects.order_by("created_date")]


def test_same_subject_of_another_provider_is_somebody_else(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    allow(app, monkeypatch)
    member(identity=identity(issuer="https://former.example.org"))

    assert "There is no account here" in reason()


def test_account_is_found_by_an_address_that_the_provider_verified(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    allow(app, monkeypatch, OIDC_LINK_BY_EMAIL=1)
    user = member(email="Ada@Example.org")

    assert account_of(ADA).id == user.id
    assert account_of(ADA._replace(email="other@example.org")).id == user.id
    assert events()[0] == "Your account was connected to Acme (ada@example.org)."
    assert outbox(app)[0].to == ["Ada@Example.org"]


@pytest.mark.parametrize(
    ("settings", "change"),
    [
        ({"OIDC_LINK_BY_EMAIL": 0}, {}),
        ({"OIDC_LINK_BY_EMAIL": 1}, {"has_proved_email": False}),
        ({"OIDC_LINK_BY_EMAIL": 1}, {"email": "ada"}),
        ({"OIDC_LINK_BY_EMAIL": 1}, {"email": ""}),
    ],
)
def test_account_is_not_found_otherwise(
    app: Flask, monkeypatch: pytest.MonkeyPatch, settings: dict[str, Any], change: dict[str, Any]
) -> None:
    allow(app, monkeypatch, **settings)
    member(username="ada")

    assert "There is no account here" in reason(ADA._replace(**change))
    assert User.objects.get().identity is None


def test_administrator_is_not_found_by_address(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    allow(app, monkeypatch, OIDC_LINK_BY_EMAIL=1, OIDC_CREATE_ACCOUNTS=1)
    member(is_admin=True)

    assert "The account of ada@example.org is an administrator's." in reason()
    assert User.objects.get().identity is None


def test_disabled_account_is_not_connected(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    allow(app, monkeypatch, OIDC_LINK_BY_EMAIL=1, OIDC_CREATE_ACCOUNTS=1)
    member(is_disabled=True)

    assert reason() == "An administrator has disabled this account."
    assert User.objects.get().identity is None


def test_new_owner_of_an_address_does_not_get_the_account(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    allow(app, monkeypatch, OIDC_LINK_BY_EMAIL=1, OIDC_CREATE_ACCOUNTS=1)
    member(identity=identity(subject="the former ada"))

    assert "This account is already connected to somebody else at Acme." in reason()


def test_two_first_sign_ins_at_once_lead_to_one_account(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    allow(app, monkeypatch, OIDC_LINK_BY_EMAIL=1, OIDC_CREATE_ACCOUNTS=1)
    looked_up = User.objects.account_of

    def while_another_is_faster(queryset: Any, email: str) -> User | None:
        if not User.objects.count():
            member(identity=identity())
        return looked_up(email)

    monkeypatch.setattr(type(User.objects), "account_of", while_another_is_faster)

    assert account_of(ADA).id == User.objects.get().id


def test_account_moves_to_a_new_provider(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    allow(app, monkeypatch, OIDC_LINK_BY_EMAIL=1)
    user = member(identity=identity(issuer="https://former.example.org"))

    assert account_of(ADA).id == user.id
    assert User.objects.get().identity.issuer == ISSUER


def test_account_is_made_without_a_password(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    allow(app, monkeypatch, OIDC_CREATE_ACCOUNTS=1)

    made, again = account_of(ADA), account_of(ADA)

    assert made.id == again.id
    user = User.objects.get()
    assert (user.name, user.username, user.email) == ("Ada Lovelace", "ada", "ada@example.org")
    assert user.hashed_password is None
    assert events() == ["Created an account by signing in with Acme."]


def test_address_that_nobody_verified_is_to_be_confirmed(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    allow(app, monkeypatch, OIDC_CREATE_ACCOUNTS=1, MAIL_SERVER="mail.example.org")
    owner = member("Somebody Else", email="ada@example.org")

    made = account_of(ADA._replace(has_proved_email=False))

    assert made.id != owner.id
    assert (made.email, made.unconfirmed_email) == (None, "ada@example.org")
    assert [mail.subject for mail in outbox(app)] == ["You already have an account · Larder"]


def test_no_second_account_for_an_address(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    allow(app, monkeypatch, OIDC_CREATE_ACCOUNTS=1)
    member()

    assert "An account with the address ada@example.org already exists." in reason()
    assert User.objects.count() == 1


@pytest.mark.parametrize(
    ("wanted", "taken", "expected"),
    [
        ("ada", [], "ada"),
        ("Ada.Lovelace@example.org", [], "ada.lovelace"),
        ("ada", ["ada", "ada-2"], "ada-3"),
        ("Ádá Lovelace!", [], "d-lovelace"),
        ("1815", [], "1815-2"),
        ("a" * 24, [], f"{'a' * 24}-2"),
        ("x" * 90, ["x" * 40], f"{'x' * 40}-2"),
        ("...", [], ""),
        ("", [], ""),
    ],
)
def test_username_is_the_first_free_and_valid_one(app: Flask, wanted: str, taken: list[str], expected: str) -> None:
    for number, each in enumerate(taken):
        member(f"M{number}", username=each)

    assert free_username(wanted) == expected


def test_address_follows_the_provider(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    allow(app, monkeypatch)
    member(identity=identity(email="ada@example.org"))

    account_of(ADA._replace(email="ada@new.example.org"))

    user = User.objects.get()
    assert (user.email, user.email_folded, user.identity.email) == ("ada@new.example.org",) * 3
    assert events() == ["Changed the address from ada@example.org to ada@new.example.org, as at Acme."]
    assert outbox(app)[0].to == ["ada@example.org"]


@pytest.mark.parametrize("change", [{"has_proved_email": False}, {"email": ""}, {"email": "grace@example.org"}])
def test_address_stays_if_the_new_one_cannot_be_taken_over(
    app: Flask, monkeypatch: pytest.MonkeyPatch, change: dict[str, Any]
) -> None:
    allow(app, monkeypatch)
    member("Grace Hopper")
    member(identity=identity(email="ada@example.org"))

    account_of(ADA._replace(email="ada@new.example.org")._replace(**change))

    assert User.objects.get(name="Ada Lovelace").email == "ada@example.org"


def test_own_address_stays(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    allow(app, monkeypatch)
    member(email="ada@home.example", identity=identity(email="ada@example.org"))

    account_of(ADA._replace(email="ada@new.example.org"))

    assert User.objects.get().email == "ada@home.example"


def test_groups_lead_to_teams(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    allow(app, monkeypatch)
    Team(name="payments", groups=["pay"]).save()
    Team(name="search", groups=["find"]).save()
    by_hand = Membership(team="search", role="owner", source="hand")
    member(identity=identity(), teams=[by_hand])

    account_of(ADA._replace(groups=["pay", "other"]))
    assert User.objects.get().team_names == ["search", "payments"]
    account_of(ADA._replace(groups=None))  # the provider does not tell
    assert User.objects.get().team_names == ["search", "payments"]
    account_of(ADA._replace(groups=[]))
    assert User.objects.get().team_names == ["search"]

    assert events() == [
        "Joined the team payments, by the groups at Acme.",
        "Left the team payments, by the groups at Acme.",
    ]


def test_groups_make_administrators_and_end_that(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    allow(app, monkeypatch, OIDC_ADMIN_GROUPS="root, wheel")
    member("Grace Hopper", is_admin=True)
    member(identity=identity())

    account_of(ADA._replace(groups=["wheel"]))
    assert User.objects.get(name="Ada Lovelace").is_admin
    account_of(ADA._replace(groups=["staff"]))
    assert not User.objects.get(name="Ada Lovelace").is_admin

    assert events() == [
        "Became an administrator, by a group at Acme.",
        "Is no longer an administrator, by the groups at Acme.",
    ]


def test_administrator_by_hand_stays_one(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    allow(app, monkeypatch, OIDC_ADMIN_GROUPS="root")
    member("Grace Hopper", is_admin=True)
    member(identity=identity(), is_admin=True)

    account_of(ADA._replace(groups=["root"]))
    account_of(ADA._replace(groups=[]))

    assert User.objects.get(name="Ada Lovelace").is_admin


def test_last_administrator_stays_one(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    allow(app, monkeypatch, OIDC_ADMIN_GROUPS="root")
    member(identity=identity())

    account_of(ADA._replace(groups=["root"]))
    account_of(ADA._replace(groups=[]))

    assert User.objects.get().is_admin
