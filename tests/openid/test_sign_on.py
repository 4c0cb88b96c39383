"""What claims say, and what settings ask of them."""

import time
from datetime import UTC, datetime
from typing import Any

import pytest

from webapp.documents.base import utc_now
from webapp.openid.sign_on import SignOn, proved_at, required_claims, text_in, texts_in

SETTINGS = {
    "OIDC_ISSUER": "https://login.example.org",
    "OIDC_NAME": "Acme",
    "OIDC_CLIENT_ID": "larder",
    "OIDC_CLIENT_SECRET": "",
    "OIDC_SCOPES": "openid",
    "OIDC_REQUIRED_CLAIMS": "",
    "OIDC_GROUPS_CLAIM": "groups",
}


@pytest.mark.parametrize(
    ("claims", "groups"),
    [
        ({"groups": ["pay", "find"]}, ["pay", "find"]),
        ({"groups": "pay"}, ["pay"]),
        ({"groups": ["pay", 7, None, "", "\ud800", "a\nb"]}, ["pay"]),
        ({}, []),  # Okta leaves an empty list out
        ({"_claim_names": {"groups": "src1"}}, None),  # Entra leaves a long one out
        ({"_claim_names": "groups"}, []),
    ],
)
def test_groups_are_a_list_of_names(claims: dict[str, Any], groups: list[str] | None) -> None:
    assert SignOn(SETTINGS).person({"sub": "ada"} | claims).groups == groups


def test_groups_do_not_count_without_their_setting() -> None:
    assert SignOn(SETTINGS | {"OIDC_GROUPS_CLAIM": ""}).person({"sub": "ada", "groups": ["pay"]}).groups is None


@pytest.mark.parametrize(
    ("claims", "is_verified"),
    [
        ({"email_verified": True}, True),
        ({"xms_edov": True}, True),
        ({"xms_edov": "1"}, True),
        ({"email_verified": False}, False),
        ({"email_verified": "false"}, False),
        ({"email_verified": "true"}, False),
        ({}, False),
    ],
)
def test_address_is_verified_if_the_provider_says_so(claims: dict[str, Any], *, is_verified: bool) -> None:
    person = SignOn(SETTINGS).person({"sub": "ada", "email": "ada@example.org"} | claims)

    assert (person.email, person.has_proved_email) == ("ada@example.org", is_verified)


def test_username_is_the_preferred_one_or_the_address() -> None:
    known = SignOn(SETTINGS)

    assert known.person({"sub": "a", "preferred_username": "ada", "email": "a@example.org"}).username == "ada"
    assert known.person({"sub": "a", "email": "a@example.org"}).username == "a@example.org"


@pytest.mark.parametrize("value", [7, None, ["Ada"], "a" * 101, "a\nb", "\ud800"])
def test_odd_text_is_left_out(value: Any) -> None:
    assert text_in(value, 100) == ""


def test_flags_and_lists_are_texts() -> None:
    assert texts_in([True, False, "a", 7, {}]) == ["true", "false", "a"]
    assert texts_in(None) == []


def test_values_of_one_required_claim_are_alternatives() -> None:
    assert required_claims(" hd=acme.example, groups=a ,groups=b=c,") == {
        "hd": {"acme.example"},
        "groups": {"a", "b=c"},
    }


def test_time_of_proof_is_not_in_the_future() -> None:
    assert proved_at({"auth_time": 1_000_000_000}) == datetime(2001, 9, 9, 1, 46, 40, tzinfo=UTC)
    soon = proved_at({"auth_time": time.time() + 20})
    assert soon is not None
    assert soon <= utc_now()
    for odd in (time.time() + 60, -1, 0, float("nan"), float("inf"), "1", None):
        assert proved_at({"auth_time": odd}) is None
