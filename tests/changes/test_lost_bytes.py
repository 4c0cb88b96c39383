"""Bytes that were lost come back when the same file is uploaded again, or by `flask files repair`."""

from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient, FlaskCliRunner

from tests.publishing import uploads
from tests.publishing.uploads import upload, wheel, wheel_name
from webapp.documents import Chunk, Contents, JournalEntry, Package, StoredFile, contents

CHUNK_BYTES = 300
CONTENT = wheel()


def lose_everything(content_id: Any) -> None:
    Contents.objects.raw().delete_one({"_id": content_id})
    Chunk.objects.raw().delete_many({"files_id": content_id})


def lose_a_chunk(content_id: Any) -> None:
    Chunk.objects.raw().delete_one({"files_id": content_id, "n": 1})


def cut_a_chunk(content_id: Any) -> None:
    Chunk.objects.raw().update_one({"files_id": content_id, "n": 0}, {"$set": {"data": b"cut"}})


def change_a_byte(content_id: Any) -> None:
    Chunk.objects.raw().update_one({"files_id": content_id, "n": 0}, {"$set": {"data": b"x" * CHUNK_BYTES}})


def lose_the_description(content_id: Any) -> None:
    Contents.objects.raw().delete_one({"_id": content_id})


DAMAGES = [lose_everything, lose_a_chunk, cut_a_chunk, change_a_byte, lose_the_description]


@pytest.fixture
def secret(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> str:
    """The token of somebody who has published a file of several chunks."""
    monkeypatch.setattr(contents, "CHUNK_BYTES", CHUNK_BYTES)
    _, secret = uploads.publisher()
    assert upload(client, secret, CONTENT, wheel_name()).status_code == 200
    return secret


def address() -> str:
    return str(Package.objects.get().releases[0].files[0].url)


@pytest.mark.parametrize("damage", DAMAGES)
def test_upload_of_the_same_file_puts_its_bytes_back(client: FlaskClient, secret: str, damage: Any) -> None:
    damage(StoredFile.objects.get().content_id)

    again = upload(client, secret, CONTENT, wheel_name())
    once_more = upload(client, secret, CONTENT, wheel_name())

    assert (again.status_code, once_more.status_code) == (200, 200)
    assert "its bytes here were lost or damaged, and were put back" in again.text
    assert "nothing changed" in once_more.text
    assert client.get(address()).data == CONTENT
    assert Contents.objects.count() == JournalEntry.objects.count() == 1
    assert set(Chunk.objects.scalar("files_id")) == {StoredFile.objects.get().content_id}


@pytest.mark.parametrize("damage", DAMAGES)
def test_operator_puts_bytes_back_from_a_copy(
    client: FlaskClient, secret: str, runner: FlaskCliRunner, tmp_path: Path, damage: Any
) -> None:
    copy = tmp_path / wheel_name()
    copy.write_bytes(CONTENT)
    damage(StoredFile.objects.get().content_id)

    first = runner.invoke(args=["files", "repair", str(copy)])
    second = runner.invoke(args=["files", "repair", str(copy)])

    assert (first.exit_code, first.output) == (0, f"{wheel_name()}: put back\n")
    assert (second.exit_code, second.output) == (0, f"{wheel_name()}: not damaged\n")
    assert client.get(address()).data == CONTENT


def test_only_the_same_bytes_come_back(
    client: FlaskClient, secret: str, runner: FlaskCliRunner, tmp_path: Path
) -> None:
    lose_everything(StoredFile.objects.get().content_id)
    (tmp_path / wheel_name()).write_bytes(wheel(version="2.0"))
    (tmp_path / "stranger-1.0.tar.gz").write_bytes(b"")
    names = (wheel_name(), "stranger-1.0.tar.gz", "absent-1.0.tar.gz")

    said = runner.invoke(args=["files", "repair", *(str(tmp_path / name) for name in names)])

    assert said.exit_code == 1
    assert said.stderr.splitlines() == [
        f"{wheel_name()}: the published file has another SHA-256: {StoredFile.objects.get().sha256}",
        "stranger-1.0.tar.gz: no published file has this name",
        "absent-1.0.tar.gz: No such file or directory",
    ]
    assert Contents.objects.count() == 0


def test_bytes_of_a_deleted_file_stay_deleted(client: FlaskClient, secret: str) -> None:
    lose_everything(StoredFile.objects.get().content_id)
    StoredFile.objects.update(set__state="deleted")

    assert upload(client, secret, CONTENT, wheel_name()).status_code == 400
    assert Contents.objects.count() == 0
