"""Answers of passkeys that are replayed, borrowed or made for something else."""

import json
from collections.abc import Iterator

import pytest
from flask import Flask

from tests.people import member
from tests.soft_key import PRESENT, SoftKey
from webapp.documents import User
from webapp.members import passkeys, second_factors
from webapp.members.passkeys import ALONE, SECOND_STEP


@pytest.fixture
def ada(app: Flask) -> Iterator[User]:
    user = member()
    with app.test_request_context("/"):
        yield user


def with_passkey(user: User) -> tuple[User, SoftKey]:
    """Give a user a passkey; return the user as they are now, and the key."""
    key = SoftKey()
    factor = passkeys.made(user, key.added(passkeys.question_for_new(user)), "key ring")
    assert factor is not None
    second_factors.add(user, factor)
    return User.objects.get(pk=user.id), key


def test_answers_to_each_question_are_accepted(ada: User) -> None:
    ada, key = with_passkey(ada)

    second = passkeys.answered_by(ada, key.signed(passkeys.question_for(ada)), SECOND_STEP)
    alone = passkeys.answered_by(User.objects.get(), key.signed(passkeys.question_for_anybody()), ALONE)

    assert second is not None
    assert alone is not None
    assert User.objects.get().second_factors[0].sign_count == 2


@pytest.mark.parametrize("never_counts", [True, False])
def test_answer_works_once(ada: User, *, never_counts: bool) -> None:
    ada, key = with_passkey(ada)
    key.count = -1 if never_counts else 0  # synchronized passkeys always say 0
    answer = key.signed(passkeys.question_for(ada))

    assert passkeys.answered_by(ada, answer, SECOND_STEP) is not None
    assert passkeys.answered_by(User.objects.get(), answer, SECOND_STEP) is None
    # What a browser ignores in an answer makes no new one of it.
    padded = json.loads(answer)
    padded["response"]["clientDataJSON"] += "="
    assert passkeys.answered_by(User.objects.get(), json.dumps(padded), SECOND_STEP) is None


def test_answer_to_one_question_is_none_to_another(ada: User) -> None:
    ada, key = with_passkey(ada)

    assert passkeys.answered_by(ada, key.signed(passkeys.question_for(ada)), ALONE) is None
    assert passkeys.answered_by(ada, key.signed(passkeys.question_for_anybody()), SECOND_STEP) is None
    assert passkeys.answered_by(ada, key.signed(passkeys.question_for_new(ada)), SECOND_STEP) is None
    assert passkeys.made(ada, SoftKey().added(passkeys.question_for(ada)), "other") is None


def test_question_to_somebody_else_is_not_answered(ada: User) -> None:
    ada, key = with_passkey(ada)
    grace, hers = with_passkey(member("Grace Hopper"))

    assert passkeys.answered_by(grace, key.signed(passkeys.question_for(grace)), SECOND_STEP) is None
    assert passkeys.answered_by(ada, key.signed(passkeys.question_for(grace)), SECOND_STEP) is None
    assert passkeys.made(grace, SoftKey().added(passkeys.question_for_new(ada)), "other") is None
    # Another key that says it is Ada's.
    hers.id = key.id
    assert passkeys.answered_by(ada, hers.signed(passkeys.question_for(ada)), SECOND_STEP) is None


@pytest.mark.parametrize(
    ("host", "origin"), [("evil.example", "http://localhost"), ("localhost", "http://evil.example")]
)
def test_answer_given_to_another_site_is_refused(ada: User, host: str, origin: str) -> None:
    ada, key = with_passkey(ada)
    key.site, key.origin = host, origin

    assert passkeys.answered_by(ada, key.signed(passkeys.question_for(ada)), SECOND_STEP) is None


def test_passkey_alone_verifies_its_user(ada: User) -> None:
    ada, key = with_passkey(ada)
    key.flags = PRESENT

    assert passkeys.answered_by(ada, key.signed(passkeys.question_for_anybody()), ALONE) is None
    assert passkeys.answered_by(ada, key.signed(passkeys.question_for(ada)), SECOND_STEP) is not None


def test_copied_passkey_is_noticed_by_its_count(ada: User) -> None:
    ada, key = with_passkey(ada)
    key.count = 7
    assert passkeys.answered_by(ada, key.signed(passkeys.question_for(ada)), SECOND_STEP) is not None
    key.count = 3

    assert passkeys.answered_by(User.objects.get(), key.signed(passkeys.question_for(ada)), SECOND_STEP) is None


def test_question_is_good_for_some_minutes(ada: User, monkeypatch: pytest.MonkeyPatch) -> None:
    ada, key = with_passkey(ada)
    question = passkeys.question_for(ada)
    monkeypatch.setattr(passkeys, "ANSWER_WITHIN_S", -1)

    assert passkeys.answered_by(ada, key.signed(question), SECOND_STEP) is None


@pytest.mark.parametrize(
    "answer", ["", "{}", "[]", "null", "5", '{"id": 5}', '{"id": "\\ud800"}', '{"response": []}', "x" * 20_001]
)
def test_what_is_no_answer_is_refused(ada: User, answer: str) -> None:
    ada, _ = with_passkey(ada)

    assert passkeys.owner_of(answer) is None
    assert passkeys.answered_by(ada, answer, SECOND_STEP) is None
    assert passkeys.made(ada, answer, "x") is None


def test_answer_with_broken_parts_is_refused(ada: User) -> None:
    ada, key = with_passkey(ada)
    parts = ("authenticatorData", "clientDataJSON", "signature")
    broken: object
    for part in parts:
        for broken in ("", "AAAA", "\ud800", None, 5, []):
            answer = json.loads(key.signed(passkeys.question_for(ada)))
            answer["response"][part] = broken

            assert passkeys.answered_by(ada, json.dumps(answer), SECOND_STEP) is None, (part, broken)
    for broken in ("", "AAAA", "oA", "gA", "\ud800", None, 5):
        answer = json.loads(SoftKey().added(passkeys.question_for_new(ada)))
        answer["response"]["attestationObject"] = broken

        assert passkeys.made(ada, json.dumps(answer), "x") is None, broken


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("https://Packages.Example.org/", ("packages.example.org", "https://packages.example.org")),
        ("https://example.org:443", ("example.org", "https://example.org")),
        ("https://example.org:8443/index", ("example.org", "https://example.org:8443")),
        ("http://[::1]:5006", ("::1", "http://[::1]:5006")),
    ],
)
def test_origin_is_written_as_browsers_write_it(
    app: Flask, monkeypatch: pytest.MonkeyPatch, address: str, expected: tuple[str, str]
) -> None:
    monkeypatch.setitem(app.config, "SITE_URL", address)

    assert tuple(passkeys.site()) == expected
