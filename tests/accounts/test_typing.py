"""What forms say while somebody types."""

from typing import Any

import pytest
from flask import Flask

from tests import factories
from tests.people import PASSWORD, Browser, browser, member, signed_in
from tests.reading import page_of, texts
from webapp.accounts.typing import GOOD, NO_PROJECT, NOT_YOURS
from webapp.documents import Maintainer, User


def said(someone: Browser, **typed: str) -> Any:
    """What the site says of what was typed so far."""
    answer = someone.post("/account/typing", data=typed | {"csrf_token": someone.token("/account/login")})
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"
    return answer.json


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ({"password": "abc"}, "5 more characters needed."),
        ({"password": "abcdefg"}, "1 more character needed."),
        ({"password": "the analytical engine weaves"}, GOOD),
        ({"password": "x" * 5000}, "This password is too easy to guess."),
        ({"password": "password1"}, "This password is too easy to guess."),
        ({"password": "Lovelace1815", "name": "Ada Lovelace1815"}, "This password is too easy to guess."),
    ],
)
def test_password_is_judged_as_the_form_does(visitor: Browser, typed: dict[str, str], expected: str) -> None:
    assert said(visitor, **typed)["password"].startswith(expected)


def test_own_words_of_a_member_count(app: Flask) -> None:
    ada = signed_in(app, "Ada Lovelace1815")
    fields = {"csrf_token": ada.token("/account/profile"), "password": "lovelace1815"}

    assert ada.post("/account/typing", data=fields).json["password"].startswith("This password is too")  # type: ignore[index]


def test_names_that_are_taken_and_projects_that_are_not_there(app: Flask) -> None:
    member("Grace", username="grace")
    ada = signed_in(app, username="ada")
    mine = Maintainer(user_id=User.objects.get(username="ada").id, role="owner")
    factories.package("Engine", maintainers=[mine])
    factories.package("Other")
    token = ada.token("/account/profile")

    def answer(**typed: str) -> Any:
        return ada.post("/account/typing", data=typed | {"csrf_token": token}).json

    assert answer(username="GRACE") == {"username": "Somebody else has this username."}
    assert answer(username="ada") == answer(username="free") == answer(project="engine") == answer(project="--") == {}
    assert answer(project="other") == {"project": NOT_YOURS}
    assert answer(project="nothing") == {"project": NO_PROJECT}


def test_strangers_learn_no_names(visitor: Browser) -> None:
    member("Grace", username="grace")
    factories.package("Other")

    assert said(visitor, username="grace", project="other") == {}


def test_other_sites_cannot_ask_and_nobody_asks_without_end(app: Flask) -> None:
    visitor = browser(app)
    assert visitor.post("/account/typing", data={"password": PASSWORD}).status_code == 400
    token = visitor.token()

    codes = [visitor.post("/account/typing", data={"csrf_token": token}).status_code for _ in range(61)]

    assert codes == [200] * 60 + [429]


@pytest.mark.parametrize("page", ["/account/password", "/account/profile", "/account/tokens/new"])
def test_forms_load_the_script(app: Flask, page: str) -> None:
    assert signed_in(app).get(page).text.count("js/typing") == 1


def test_token_for_a_project_that_is_not_there_says_so_without_scripts(app: Flask) -> None:
    ada = signed_in(app)
    fields = {"name": "CI", "purpose": "upload", "lifetime": "90", "password": PASSWORD}
    factories.package("Engine")

    without = page_of(ada.send("/account/tokens/new", project="nothing", **fields))
    existing = page_of(ada.send("/account/tokens/new", project="engine", **fields))

    assert texts(without, ".banner-warn")[0].startswith("There is no project called nothing yet.")
    assert texts(existing, ".banner-warn") == []
