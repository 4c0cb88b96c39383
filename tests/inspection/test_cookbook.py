"""Every question of docs/inspecting.md, put to a small site through mongosh; the answers are those that stand there."""

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from flask import Flask
from flask.testing import FlaskCliRunner
from pymongo.database import Database

from tests.conftest import required
from tests.inspection import cookbook_site
from webapp.documents import Package

pytestmark = pytest.mark.real_server

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "inspecting.md"
TIMEOUT_S = 60
# What the page says of a question that no index answers.
READS_ALL = re.compile(r"^Reads all (\w+)\.", re.MULTILINE)
_QUESTION = re.compile(
    r"^### ([^\n]+)\n\n((?:(?!^```|^#).)*)```js\n(.+?)\n```\n\n```\n(.*?)\n```$", re.MULTILINE | re.DOTALL
)
_COMMAND = re.compile(r"^```sh\n\.venv/bin/flask --app app ([^\n]+)\n```\n\n```\n(.*?)\n```$", re.MULTILINE | re.DOTALL)


class Question(NamedTuple):
    """What the page asks, and what it says that the answer is."""

    title: str
    text: str
    command: str
    answer: str


def questions() -> list[Question]:
    return [Question(*found) for found in _QUESTION.findall(PAGE.read_text("utf-8"))]


def mongosh() -> str:
    """MongoDB's shell, from PATH or as `make .tools/.installed` fetches it."""
    found = shutil.which("mongosh", path=f"{os.environ['PATH']}:{ROOT}/.tools/node_modules/.bin")
    if not found:
        required("there is no mongosh: make .tools/.installed")
    return found or "mongosh"


def answers(uri: str, home: Path) -> list[str]:
    """Put all questions to one shell, as somebody would who pastes them; to start it takes two seconds."""
    script = ['prompt = ""']
    for number, question in enumerate(questions()):
        # The server's own record tells by this where a question begins.
        script += [f"var asked = db.questions.findOne({{_id: {number}}})", 'print("=" + "=>")', question.command]
    done = subprocess.run(
        [mongosh(), "--quiet", "--norc", uri],
        input="\n".join([*script, ""]),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=TIMEOUT_S,
        check=True,
        env=os.environ | {"HOME": str(home), "TZ": "UTC"},
    )
    # The shell says "... " where it waits for the rest of a command.
    return [re.sub(r"\A\s*(\.\.\. )*", "", text).strip() for text in done.stdout.split("==>\n")[1:]]


@pytest.fixture
def uri(app: Flask) -> str:
    """The address of the small site."""
    database = Package._get_db()
    cookbook_site.fill(database)
    return str(app.config["MONGODB_URI"])


def test_each_question_has_the_answer_that_the_page_shows(uri: str, tmp_path: Path) -> None:
    database = Package._get_db()
    database.command("profile", 2)

    try:
        found = answers(uri, tmp_path)
    finally:
        database.command("profile", 0)

    assert len(questions()) > 30
    assert dict(zip((question.title for question in questions()), found, strict=True)) == {
        question.title: question.answer for question in questions()
    }
    assert scanned(database) == {
        question.title: match[1] for question in questions() if (match := READS_ALL.search(question.text))
    }


def test_each_command_says_what_the_page_shows(
    uri: str, runner: FlaskCliRunner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    commands = _COMMAND.findall(PAGE.read_text("utf-8"))

    said = []
    for command, _ in commands:
        if " load " in command:
            Package._get_db().client.drop_database(Package._get_db())
        said.append((command, runner.invoke(args=command.split()).output.strip()))

    assert len(commands) > 4
    assert said == commands


def scanned(database: Database[Any]) -> dict[str, str]:
    """Return the questions for which the server read a whole collection, and which one."""
    found, title = {}, ""
    for done in database["system.profile"].find().sort("ts", 1):
        collection = done["ns"].partition(".")[2]
        if collection == "questions":
            title = questions()[done["command"]["filter"]["_id"]].title
        elif "COLLSCAN" in done.get("planSummary", ""):
            found[title] = collection
    return found
