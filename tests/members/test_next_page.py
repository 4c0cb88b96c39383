import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st

from tests.people import PASSWORD, Browser, member
from webapp.members.next_page import safe_next

ELSEWHERE = [
    "//evil.example",
    "///evil.example",
    "////evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "\\/evil.example",
    "/\\/evil.example",
    "https://evil.example",
    "https:evil.example",
    "https:/evil.example",
    "HTTPS://evil.example",
    "http:\\\\evil.example",
    "javascript:alert(1)",
    "data:text/html,x",
    "evil.example",
    "@evil.example",
    "?next=//evil.example",
    "/\t/evil.example",
    "/\n/evil.example",
    "/\r/evil.example",
    "\t//evil.example",
    " //evil.example",
    "/ /evil.example",
    "/x\r\nLocation: https://evil.example",
    "/x\r\nSet-Cookie: session=x",
    "/\0/evil.example",
    "/\x1f/evil.example",
    "/\x7f/evil.example",
    "/\x85/evil.example",
    "",
    "/" + "x" * 3000,
]
# As they come in the address of the page: some are the same again in percents.
ENCODED = [
    "%2F%2Fevil.example",
    "/%5Cevil.example",
    "%5C%5Cevil.example",
    "/%0d%0aLocation:%20https://evil.example",
    "/%09/evil.example",
    "%09//evil.example",
    "/%00/evil.example",
    "https:%2F%2Fevil.example",
    "%68ttps://evil.example",
]


@pytest.mark.parametrize("address", [*ELSEWHERE, None, 5, ["/"], {"$ne": 1}])
def test_address_that_may_lead_elsewhere_is_none(address: object) -> None:
    assert safe_next(address) is None


@pytest.mark.parametrize(
    "address",
    [
        "/",
        "/projects/",
        "/project/flask/?page=2",
        "/search/?q=a+b%26c",
        "/a//b",
        "/x?next=//host",
        "/caf%C3%A9",
        "/é",
        "/a:b",
    ],
)
def test_address_of_the_site_stays_as_it_is(address: str) -> None:
    assert safe_next(address) == address


@given(st.text(alphabet="/\\:.@?#%\t\r\n 0aehpst", max_size=12))
def test_no_spelling_gets_past(address: str) -> None:
    passed = safe_next(address)

    assert passed is None or (passed == address and passed[:1] == "/" and passed[1:2] not in ("/", "\\", "\t"))


@pytest.mark.parametrize("query", [*ENCODED, "//evil.example", "https://evil.example", "/\\evil.example"])
@pytest.mark.parametrize("page", ["/account/login", "/account/register"])
def test_signing_in_and_registering_lead_only_within_the_site(
    app: Flask, visitor: Browser, page: str, query: str
) -> None:
    member("Ada")
    fields = {"email": "ada@example.org", "password": PASSWORD}
    if page == "/account/register":
        fields = {"name": "Grace", "email": "grace@example.org", "password": PASSWORD}

    response = visitor.send(f"{page}?next={query}", **fields)

    assert (response.status_code, response.location) == (302, "/account")


@pytest.mark.parametrize("address", ELSEWHERE)
def test_hidden_field_that_was_changed_leads_only_within_the_site(visitor: Browser, address: str) -> None:
    member("Ada")

    response = visitor.sign_in("ada@example.org", next=address)

    assert (response.status_code, response.location) == (302, "/account")
    assert "evil" not in str(response.headers)
