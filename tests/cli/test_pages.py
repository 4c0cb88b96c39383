import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskCliRunner

from webapp.documents import Page

HISTORY = "# Our history\n\nIt began in *2024*.\n\n- one\n- two\n"


def write(folder: Path, path: str, content: str | bytes) -> None:
    target = folder / path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(content if isinstance(content, bytes) else content.encode())


def test_pages_of_a_folder_are_stored_at_their_paths(runner: FlaskCliRunner, tmp_path: Path) -> None:
    write(tmp_path, "company/history.md", HISTORY)
    write(tmp_path, "terms.md", "# Terms\n")
    write(tmp_path, "notes.txt", "no page")

    result = runner.invoke(args=["pages", "import", str(tmp_path)])

    assert result.exit_code == 0
    assert result.stdout == "2 pages stored, 0 refused.\n"
    history, terms = Page.objects.order_by("pk")
    assert (history.path, history.title) == ("company/history", "Our history")
    assert history.content.startswith("It began in *2024*.")
    assert "2024" in history.content_html
    assert (terms.path, terms.title, terms.content or "") == ("terms", "Terms", "")


def test_page_whose_file_has_no_name_in_utf_8_is_refused_alone(runner: FlaskCliRunner, tmp_path: Path) -> None:
    write(tmp_path, os.fsdecode(b"caf\xe9.md"), "# T\n")
    write(tmp_path, "terms.md", "# Terms\n")

    result = runner.invoke(args=["pages", "import", str(tmp_path)])

    assert (result.exit_code, result.stdout) == (1, "1 page stored, 1 refused.\n")


def test_page_that_is_imported_again_keeps_its_first_date(runner: FlaskCliRunner, tmp_path: Path) -> None:
    write(tmp_path, "terms.md", "# Terms\n\nOld")
    runner.invoke(args=["pages", "import", str(tmp_path)])
    first = datetime(2020, 1, 1, tzinfo=UTC)
    Page.objects.update(created_date=first)
    write(tmp_path, "terms.md", "# Terms\n\nNew")

    runner.invoke(args=["pages", "import", str(tmp_path)])

    page = Page.objects.get()
    assert page.content == "New"
    assert page.created_date == first
    assert page.updated_date > first


@pytest.mark.parametrize(
    ("path", "content", "reason"),
    [
        ("bad.md", "No title", "the first line must be the title"),
        ("bad.md", "", "the first line must be the title"),
        ("bad.md", "# \n", "the first line must be the title"),
        ("bad.md", "## Second\n", "the first line must be the title"),
        ("bad.md", b"# T\n\xff", "utf-8"),
        ("bad.md", "# " + "x" * 201, "title"),
        ("UPPER.md", "# T", "path"),
        ("with space.md", "# T", "path"),
        (".hidden.md", "# T", "path"),
        ("a.b.md", "# T", "path"),
    ],
)
def test_bad_page_is_told_and_the_rest_stored(
    runner: FlaskCliRunner, tmp_path: Path, path: str, content: str | bytes, reason: str
) -> None:
    write(tmp_path, path, content)
    write(tmp_path, "good.md", "# Good\n")

    result = runner.invoke(args=["pages", "import", str(tmp_path)])

    assert result.exit_code == 1
    assert result.stdout == "1 page stored, 1 refused.\n"
    assert f"{tmp_path / path}: refused: " in result.stderr
    assert reason in result.stderr
    assert [page.path for page in Page.objects] == ["good"]


def test_folder_without_pages_is_an_error(runner: FlaskCliRunner, tmp_path: Path) -> None:
    result = runner.invoke(args=["pages", "import", str(tmp_path)])

    assert result.exit_code == 1
    assert "this folder has no *.md files" in result.stderr


def test_folder_that_is_not_there_is_wrong_use(runner: FlaskCliRunner, tmp_path: Path) -> None:
    result = runner.invoke(args=["pages", "import", str(tmp_path / "missing")])

    assert result.exit_code == 2
    assert "does not exist" in result.stderr


def test_exported_pages_are_the_files_that_were_imported(runner: FlaskCliRunner, tmp_path: Path) -> None:
    files = {"company/history.md": HISTORY, "terms.md": "# Terms & \N{SNAKE}\n\n    indented\n\nlast\n"}
    for path, content in files.items():
        write(tmp_path / "in", path, content)
    runner.invoke(args=["pages", "import", str(tmp_path / "in")])

    result = runner.invoke(args=["pages", "export", str(tmp_path / "out")])

    assert result.exit_code == 0
    assert result.stdout == f"2 pages written to {tmp_path / 'out'}.\n"
    written = {
        path.relative_to(tmp_path / "out").as_posix(): path.read_text("utf-8") for path in tmp_path.rglob("out/**/*.md")
    }
    assert written == files


def test_export_overwrites_nothing(runner: FlaskCliRunner, tmp_path: Path) -> None:
    Page(path="a", title="A").save()
    Page(path="b", title="B").save()
    write(tmp_path, "b.md", "mine")

    result = runner.invoke(args=["pages", "export", str(tmp_path)])

    assert result.exit_code == 1
    assert f"nothing was written, because these files exist: {tmp_path / 'b.md'}" in result.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["b.md"]
    assert (tmp_path / "b.md").read_text() == "mine"


def test_page_without_an_address_is_not_exported(runner: FlaskCliRunner, tmp_path: Path) -> None:
    Page._get_collection().insert_one({"_id": 5, "title": "Odd"})

    runner.invoke(args=["pages", "export", str(tmp_path)])

    assert list(tmp_path.iterdir()) == []


def test_folder_that_cannot_be_made_is_one_line(runner: FlaskCliRunner) -> None:
    Page(path="company", title="Company").save()

    result = runner.invoke(args=["pages", "export", "/dev/null/pages"])

    assert (result.exit_code, result.stderr) == (1, "Error: /dev/null/pages: Not a directory\n")


def test_export_of_no_pages_writes_nothing(runner: FlaskCliRunner, tmp_path: Path) -> None:
    result = runner.invoke(args=["pages", "export", str(tmp_path)])

    assert result.exit_code == 0
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "odd", [{"title": "Odd", "note": "extra"}, {"title": "Odd", "content": 5, "created_date": "yesterday"}], ids=str
)
def test_page_that_was_edited_by_hand_is_exported_as_far_as_it_goes(
    runner: FlaskCliRunner, tmp_path: Path, odd: dict[str, Any]
) -> None:
    Page._get_collection().insert_one({"_id": "odd"} | odd)

    result = runner.invoke(args=["pages", "export", str(tmp_path)])

    assert result.exit_code == 0, result.exception
    assert (tmp_path / "odd.md").read_text() == "# Odd\n\n\n"


@pytest.mark.parametrize(
    "odd",
    [
        {"_id": "../outside", "title": "Odd"},
        {"_id": "/outside", "title": "Odd"},
        {"_id": "a/../../outside", "title": "Odd"},
        {"_id": "a\0b", "title": "Odd"},
        {"_id": "", "title": "Odd"},
        {"_id": "no-title", "content": "x"},
        {"_id": "odd-title", "title": 5},
    ],
    ids=str,
)
def test_page_without_a_title_or_with_a_path_that_leads_elsewhere_is_refused(
    runner: FlaskCliRunner, app: Flask, tmp_path: Path, odd: dict[str, Any]
) -> None:
    Page._get_collection().insert_one(dict(odd))
    Page(path="good", title="Good").save()

    result = runner.invoke(args=["pages", "export", str(tmp_path / "out")])

    assert result.exit_code == 1
    assert "1 page written" in result.stdout
    assert "refused: ValidationError" in result.stderr
    assert [path.name for path in tmp_path.rglob("*.md")] == ["good.md"]
