"""`POST /signup`, for programs."""

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from flask import Flask

from tests.people import PASSWORD, Browser, browser, member
from webapp.documents import AuditEvent, User

GRACE = {"username": "grace", "password": PASSWORD}


def test_program_signs_a_user_up(visitor: Browser) -> None:
    response = visitor.post("/signup", json=GRACE)

    assert response.status_code == 200
    assert response.json == {"message": "User signed up successfully"}
    user = User.objects.get()
    assert user.username == "grace"
    assert user.hashed_password.startswith("$argon2id$")
    assert AuditEvent.objects.of_kind("registration").get().user_id == user.id
    assert "Set-Cookie" not in response.headers
    assert response.headers["Cache-Control"] == "no-store"
    assert visitor.sign_in("grace").status_code == 302


def test_address_and_name_may_be_given(visitor: Browser) -> None:
    visitor.post("/signup", json=GRACE | {"email": "grace@example.org", "name": "Grace Hopper"})

    user = User.objects.get()
    assert (user.email, user.name) == ("grace@example.org", "Grace Hopper")


@pytest.mark.parametrize("username", ["grace", "Grace", "GRACE"])
def test_name_that_somebody_has_is_refused_with_its_code(visitor: Browser, username: str) -> None:
    visitor.post("/signup", json=GRACE)

    response = visitor.post("/signup", json=GRACE | {"username": username, "password": "another good long one"})

    assert (response.status_code, response.json) == (400, {"error_code": 401})
    assert User.objects.count() == 1


def test_address_that_somebody_has_is_refused(visitor: Browser) -> None:
    member("Grace")

    response = visitor.post("/signup", json=GRACE | {"email": "GRACE@example.org"})

    assert (response.status_code, response.json) == (400, {"message": "email: another account uses this address."})


@pytest.mark.parametrize(
    ("sent", "reason"),
    [
        ({}, "username is missing."),
        ({"username": "grace"}, "password is missing."),
        ({"password": PASSWORD}, "username is missing."),
        ([], "Send a JSON object."),
        ("text", "Send a JSON object."),
        (5, "Send a JSON object."),
        (GRACE | {"username": {"$ne": None}}, "username must be text."),
        (GRACE | {"username": {"$gt": ""}}, "username must be text."),
        (GRACE | {"username": ["grace"]}, "username must be text."),
        (GRACE | {"username": 5}, "username must be text."),
        (GRACE | {"username": None}, "username must be text."),
        (GRACE | {"username": True}, "username must be text."),
        (GRACE | {"password": {"$ne": None}}, "password must be text."),
        (GRACE | {"password": 12345678}, "password must be text."),
        (GRACE | {"email": {"$regex": "."}}, "email must be text."),
        (GRACE | {"name": {"$where": "1"}}, "name must be text."),
        (GRACE | {"email": "nothing"}, "email: Enter a valid email address"),
        (GRACE | {"name": "a\nb"}, "name: Remove line breaks and invisible characters."),
        (GRACE | {"name": "\ud800"}, "name: Remove line breaks and invisible characters."),
        (GRACE | {"email": "\ud800@example.org"}, "email: "),
        (
            GRACE | {"password": "\ud800\ud800\ud800\ud800\ud800\ud800\ud800\ud800"},
            "password: This text contains invalid characters.",
        ),
        (GRACE | {"password": "short"}, "password: Use 8 to 4096 characters."),
        (GRACE | {"password": "x" * 4097}, "password: Use 8 to 4096 characters."),
        (GRACE | {"password": "password"}, "password: This password is too easy to guess."),
        (GRACE | {"username": "gracehopper", "password": "gracehopper"}, "password: This password is too easy"),
        (GRACE | {"name": "x" * 101}, "name: Use at most 100 characters"),
        (GRACE | {"email": f"{'x' * 300}@example.org"}, "email: Use at most 254 characters"),
    ],
    ids=lambda value: json.dumps(value)[:40],
)
def test_what_is_malformed_is_refused_with_a_reason(visitor: Browser, sent: Any, reason: str) -> None:
    response = visitor.post("/signup", json=sent)

    assert response.status_code == 400
    assert response.json is not None
    assert list(response.json) == ["message"]
    assert response.json["message"].startswith(reason)
    assert User.objects.count() == 0


@pytest.mark.parametrize(
    "username",
    ["", " ", "a b", "-a", "a-", "a/b", "../a", "63", "f" * 24, "x" * 51, "ädä", "a\n", "$ne", "a@example.org", "a\0"],
)
def test_name_that_could_be_taken_for_something_else_is_refused(visitor: Browser, username: str) -> None:
    response = visitor.post("/signup", json=GRACE | {"username": username})

    assert response.status_code == 400
    assert response.json["message"].startswith("username: ")  # type: ignore[index]
    assert User.objects.count() == 0


@pytest.mark.parametrize("username", ["a", "grace.hopper", "a-b_c.d", "x" * 50, "63a", "f" * 23])
def test_name_of_usual_form_is_taken(visitor: Browser, username: str) -> None:
    assert visitor.post("/signup", json=GRACE | {"username": username}).status_code == 200
    assert visitor.get(f"/user/{username}/").status_code == 200


@pytest.mark.parametrize(
    ("data", "content_type"),
    [
        (b"", "application/json"),
        (b"{", "application/json"),
        (b"NaN NaN", "application/json"),
        (b"\xff\xfe", "application/json"),
        (b"[" * 100_000, "application/json"),
        (json.dumps(GRACE).encode(), "text/plain"),
        (json.dumps(GRACE).encode(), None),
        (b"username=grace&password=x", "application/x-www-form-urlencoded"),
    ],
)
def test_what_is_no_json_is_refused(visitor: Browser, data: bytes, content_type: str | None) -> None:
    response = visitor.post("/signup", data=data, content_type=content_type)

    assert response.status_code == 400
    assert response.json == {"message": "Send a JSON object with the content type application/json."}


def test_body_that_is_too_large_is_refused(visitor: Browser) -> None:
    response = visitor.post("/signup", json=GRACE | {"name": "x" * 2_000_000})

    assert response.status_code == 413
    assert list(response.json or {}) == ["message"]


@pytest.mark.parametrize(
    "extra", [{"is_admin": True}, {"is_admin": 1}, {"hashed_password": "x"}, {"_id": "x"}, {"legacy": {}}]
)
def test_other_fields_count_for_nothing(visitor: Browser, extra: dict[str, Any]) -> None:
    assert visitor.post("/signup", json=GRACE | extra).status_code == 200

    user = User.objects.get()
    assert not user.is_admin
    assert user.hashed_password.startswith("$argon2id$")
    assert user.legacy is None


def test_it_is_limited_together_with_registrations(
    app: Flask, visitor: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(app.config, "REGISTRATION_LIMIT", "2/hour")
    visitor.post("/signup", json=GRACE)
    visitor.send("/account/register", name="Ada", email="ada@example.org", password=PASSWORD)

    response = browser(app).post("/signup", json=GRACE | {"username": "third"})

    assert response.status_code == 429
    assert response.json == {"message": "Too many attempts. Try again in 60 minutes."}
    assert int(response.headers["Retry-After"]) > 3500


@pytest.mark.real_server
def test_one_name_that_many_want_at_once_goes_to_one(app: Flask) -> None:
    with ThreadPoolExecutor(10) as programs:
        answers = list(programs.map(lambda _: browser(app).post("/signup", json=GRACE), range(30)))

    assert sorted(answer.status_code for answer in answers) == [200] + [400] * 29
    assert [answer.json for answer in answers if answer.status_code == 400] == [{"error_code": 401}] * 29
    assert User.objects.count() == 1
