"""`/help/api` is true: each call is sent as the page says, and every address for programs is on it."""

import io
import json
from typing import Any

import pytest
from flask import Flask

from tests import factories
from tests.people import Browser, browser, member
from tests.publishing import staging, uploads
from tests.reading import links, one, page_of, texts
from tests.reading import words as words_of
from webapp.documents import Package, User
from webapp.home.api_calls import CALLS, Call
from webapp.serving.programs import PATHS

ALL = [call for calls in CALLS.values() for call in calls]
# Pages that older addresses lead to, the upload at an older address, and figures that the proxy keeps from the public.
NOT_SHOWN = {"packages.legacy_address", "metrics.metrics"}


@pytest.fixture
def words(app: Flask) -> dict[str, str]:
    """What stands for the words in capitals, on a site with a project and an advisory."""
    user = member(username="ada")
    secret = uploads.token_of(user, permissions=("upload", "yank"))
    wheel, name = uploads.wheel(), uploads.wheel_name()
    assert uploads.upload(app.test_client(), secret, wheel, name).status_code == 200
    factories.advisory("PYSEC-2026-1", "larder-probe")
    address = Package.objects.get().releases[0].files[0].url
    place = "/".join(address.split("/packages/")[1].split("/")[:-1])
    opened = staging.opened(app.test_client(), secret, version="2.0")
    staged = uploads.sdist_name(version="2.0")
    assert staging.add(app.test_client(), secret, opened, uploads.sdist(version="2.0"), staged).status_code == 200
    session = staging.stored(opened)
    known = {"SESSION": str(session.pk), "STAGE": session.stage_token, "STAGED": staged}
    known |= {"WHEEL": uploads.wheel_name(version="2.0")}
    known |= {"NAME": "larder-probe", "VERSION": "1.0", "FILENAME": name, "PLACE": place, "TEXT": "larder"}
    return known | {"TOKEN": secret, "ADVISORY": "PYSEC-2026-1", "SHA256": "a" * 64}


def sent(someone: Browser, call: Call, words: dict[str, str]) -> Any:
    """Send what curl would send."""

    def filled(text: str) -> str:
        for word, value in sorted(words.items(), key=lambda each: -len(each[0])):
            text = text.replace(word, value)
        return text

    headers, fields, body, auth = {}, {}, None, None
    for option, value in zip(call.options[::2], call.options[1::2], strict=True):
        match option:
            case "-H":
                name, _, said = filled(value).partition(": ")
                headers[name] = said
            case "-u":
                auth = tuple(filled(value).split(":", 1))
            case "-F":
                name, _, said = value.partition("=")
                # A new version, since the old one is there.
                file = (io.BytesIO(uploads.wheel(version="2.0")), uploads.wheel_name(version="2.0"))
                fields[name] = file if said.startswith("@") else said
            case "-d" | "--data-binary":
                body = filled(value)
    return someone.open(filled(call.address), method=call.method, headers=headers, data=fields or body, auth=auth)


@pytest.mark.parametrize("call", ALL, ids=lambda call: f"{call.method} {call.address}")
def test_call_is_answered_as_the_page_says(app: Flask, words: dict[str, str], call: Call) -> None:
    answer = sent(browser(app), call, words)

    assert answer.status_code == call.status, answer.text[:300]
    assert answer.mimetype == call.kind
    if "json" in call.kind:
        found = json.loads(answer.text)
        assert set(call.shows) <= set(found), sorted(found)
    else:
        assert all(each in answer.text for each in call.shows)


def test_every_address_for_programs_is_shown(app: Flask) -> None:
    adapter = app.url_map.bind("localhost")
    stand_ins = {"PLACE": "a/b/c", "NAME": "n", "VERSION": "1", "FILENAME": "f", "SHA256": "a", "ADVISORY": "P"}
    stand_ins |= {"SESSION": "s", "STAGE": "t"}
    shown = set()
    for call in ALL:
        address = call.address.partition("?")[0]
        for word, value in stand_ins.items():
            address = address.replace(word, value)
        rule, _ = adapter.match(address, method=call.method, return_rule=True)
        shown.add(rule.rule)

    for_programs = {
        rule.rule
        for rule in app.url_map.iter_rules()
        if rule.rule.split("/")[1] in PATHS and rule.endpoint not in NOT_SHOWN and not rule.alias
    }
    assert for_programs - shown == set()


def test_page_shows_each_call_with_curl(app: Flask) -> None:
    page = page_of(browser(app).get("/help/api"))

    assert len(page.select("pre")) == len(ALL)
    assert texts(page, "h3")[0] == "GET /simple/"
    assert "curl -H 'Accept: application/vnd.pypi.simple.v1+json' http" in texts(page, "pre")[0]
    assert User.objects.count() == 0


def test_page_begins_with_links_to_its_sections(app: Flask) -> None:
    page = page_of(browser(app).get("/help/api"))

    found = links(page, "nav[aria-label='On this page'] a")

    assert [title for title, _ in found] == list(CALLS)
    assert [words_of(one(page, f"h2{address}")) for _, address in found] == list(CALLS)
