import pytest
from flask import Flask
from flask.testing import FlaskCliRunner

from tests import factories
from tests.people import ANOTHER, PASSWORD, browser, member, signed_in
from webapp.documents import DOCUMENTS, AuditEvent, User
from webapp.documents.base import utc_now
from webapp.documents.user import Identity


def test_first_administrator_is_made(app: Flask, runner: FlaskCliRunner) -> None:
    result = runner.invoke(
        args=["users", "create-admin", "--email", "Grace@example.org", "--name", "Grace"],
        input=f"{ANOTHER}\n{ANOTHER}\n",
    )

    assert result.exit_code == 0, result.output
    assert "Grace is an administrator." in result.stdout
    assert ANOTHER not in result.output
    grace = browser(app)
    assert grace.sign_in("grace@example.org", ANOTHER).status_code == 302
    assert grace.get("/admin/").status_code == 200
    event = AuditEvent.objects.of_kind("administration").get()
    assert (event.actor_name, event.ip_address) == ("command line", None)


def test_member_becomes_an_administrator_and_keeps_the_password(app: Flask, runner: FlaskCliRunner) -> None:
    member("Ada")

    result = runner.invoke(
        args=["users", "create-admin", "--email", "ADA@example.org", "--name", "x", "--password", ANOTHER]
    )

    assert result.exit_code == 0
    assert User.objects.get().is_admin
    assert browser(app).sign_in("ada@example.org", PASSWORD).status_code == 302


@pytest.mark.parametrize(
    ("email", "password", "reason"),
    [
        ("nothing", ANOTHER, "nothing: "),
        ("grace@example.org", "short", "use 8 to 4096 characters"),
        ("grace@example.org", "password1", "This password is too easy to guess."),
    ],
)
def test_what_is_wrong_is_told_in_one_line(runner: FlaskCliRunner, email: str, password: str, reason: str) -> None:
    result = runner.invoke(args=["users", "create-admin", "--email", email, "--name", "Grace", "--password", password])

    assert result.exit_code == 1
    assert result.stderr.startswith(f"Error: {reason}")
    assert "Traceback" not in result.output
    assert User.objects.count() == 0


@pytest.mark.parametrize("name", ["", "  ", "Grace\nHopper", "x" * 101], ids=["empty", "blank", "two-lines", "long"])
def test_name_that_no_form_takes_is_refused(runner: FlaskCliRunner, name: str) -> None:
    options = ["--email", "grace@example.org", "--name", name, "--password", ANOTHER]

    result = runner.invoke(args=["users", "create-admin", *options])

    assert (result.exit_code, result.stderr) == (
        1,
        "Error: the name has to be one line of 1 to 100 visible characters\n",
    )
    assert User.objects.count() == 0


def test_accounts_are_listed_with_what_is_special_about_them(runner: FlaskCliRunner) -> None:
    ada = member("Ada", is_admin=True)
    factories.user("Old", email="old@example.org")
    member("Eve", username="eve", email=None, is_disabled=True)

    lines = runner.invoke(args=["users", "list"]).stdout.splitlines()

    assert f"{ada.id}  ada@example.org  Ada  administrator" in lines
    assert lines[0].endswith("  eve  Eve  disabled")
    assert lines[1].endswith("  old@example.org  Old  no password")
    assert [line.split()[-2] for line in runner.invoke(args=["users", "list", "--admins"]).stdout.splitlines()] == [
        "Ada"
    ]
    assert "Old" in runner.invoke(args=["users", "list", "--find", "old@"]).stdout


def test_hostile_name_does_not_reach_the_terminal(runner: FlaskCliRunner) -> None:
    factories.user("\x1b[2J\x9b")
    User._get_collection().insert_one({"_id": "odd", "name": 5, "email": ["\x1b"]})

    result = runner.invoke(args=["users", "list"])

    assert result.exit_code == 0
    assert "\x1b" not in result.output
    assert "\x9b" not in result.output


@pytest.mark.parametrize("who", ["ada@example.org", "ADA@example.org", "ada", "{}"])
def test_new_password_ends_the_sessions(app: Flask, runner: FlaskCliRunner, who: str) -> None:
    visitor = signed_in(app, username="ada")
    who = who.format(User.objects.get().id)

    result = runner.invoke(args=["users", "set-password", who], input=f"{ANOTHER}\n{ANOTHER}\n")

    assert result.exit_code == 0, result.output
    assert not visitor.is_signed_in()
    assert visitor.sign_in("ada@example.org", ANOTHER).status_code == 302


@pytest.mark.parametrize(
    "command", [["set-password", "nobody", "--password", ANOTHER], ["disable", "nobody"], ["enable", "nobody"]]
)
def test_who_is_not_there_is_told_so(runner: FlaskCliRunner, command: list[str]) -> None:
    result = runner.invoke(args=["users", *command])

    assert result.exit_code == 1
    assert "nobody: no such user" in result.stderr


def test_account_is_disabled_and_enabled(app: Flask, runner: FlaskCliRunner) -> None:
    visitor = signed_in(app)

    assert runner.invoke(args=["users", "disable", "ada@example.org"]).stdout == "Ada Lovelace is disabled.\n"
    assert not visitor.is_signed_in()
    assert "was already disabled" in runner.invoke(args=["users", "disable", "ada@example.org"]).stdout
    assert "may sign in again" in runner.invoke(args=["users", "enable", "ada@example.org"]).stdout
    assert visitor.sign_in("ada@example.org").status_code == 302


def test_last_administrator_is_not_disabled(runner: FlaskCliRunner) -> None:
    member("Ada", is_admin=True)

    result = runner.invoke(args=["users", "disable", "ada@example.org"])

    assert result.exit_code == 1
    assert "The site needs an administrator" in result.stderr
    assert not User.objects.get().is_disabled


def test_statistics_name_every_collection(runner: FlaskCliRunner) -> None:
    factories.user()
    factories.package()

    result = runner.invoke(args=["db", "stats"])

    assert result.exit_code == 0, result.output
    rows = {line.split()[0]: line.split()[1:] for line in result.stdout.splitlines()}
    assert list(rows)[:3] == ["collection", "packages", "release_facts"]
    assert rows["users"][0] == rows["packages"][0] == "1"
    assert len(rows) == len(DOCUMENTS) + 1


@pytest.mark.real_server
def test_statistics_tell_the_sizes(runner: FlaskCliRunner) -> None:
    factories.package()

    [line] = [each for each in runner.invoke(args=["db", "stats"]).stdout.splitlines() if each.startswith("packages")]

    assert line.count("kB") >= 2


def test_connection_to_the_identity_provider_is_shown_and_ended(app: Flask, runner: FlaskCliRunner) -> None:
    at_provider = Identity(issuer="https://login.example.org", subject="ada", connected_at=utc_now())
    ada = signed_in(app, "Ada", password=None, identity=at_provider)
    User.objects.raw().update_one({}, {"$set": {"sessions.0.by_provider": True}})

    assert "single sign-on, no password" in runner.invoke(args=["users", "list"]).output
    result = runner.invoke(args=["users", "disconnect", "ada@example.org"])

    assert result.output == "Ada can no longer sign in at the identity provider.\n"
    assert User.objects.get().identity is None
    assert not ada.is_signed_in()
    assert runner.invoke(args=["users", "disconnect", "ada@example.org"]).output == "Ada was not connected.\n"
