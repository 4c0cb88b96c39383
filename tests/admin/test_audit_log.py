"""The audit log, filtered and exported."""

import csv
import io
import json
import tracemalloc
from datetime import UTC, datetime
from typing import Any

import pytest
from flask import Flask

from tests.people import Browser, browser, member
from tests.publishing import uploads
from tests.reading import page_of, texts
from webapp.documents import AuditEvent, User


def event(number: int, **fields: Any) -> dict[str, Any]:
    """An event of the second day of 2026 plus some days."""
    usual = {"_id": f"event {number}", "created_date": datetime(2026, 1, 2 + number, 23, 30, tzinfo=UTC)}
    return usual | {"kind": "project", "actor_name": "Ada", "description": "Yanked it.", "target": ""} | fields


@pytest.fixture
def log(admin: Browser) -> Browser:
    """Grace in front of a log of five events; her own sign-in is not in it."""
    ada = member("Ada Lovelace", username="ada")
    AuditEvent.objects.delete()
    AuditEvent._get_collection().insert_many(
        [
            event(0, actor_id=ada.id, target="package flask-login", ip_address="192.0.2.7"),
            event(1, user_id=ada.id, target="user Ada Lovelace", description="Disabled the account.", actor_name="Eve"),
            event(2, kind="upload", target="package flask", ip_address="192.0.2.70", description="Published flask 3."),
            event(3, target="user Gone Member", description="Deleted the account (100%)."),
            event(4, ip_address="2001:db8::1", description="=1+1", actor_name="@eve"),
        ]
    )
    return admin


def numbers(log: Browser, query: str) -> list[int]:
    """Which events an export has, by their numbers."""
    answer = log.get(f"/admin/audit.jsonl?{query}")
    assert answer.status_code == 200, answer.text
    found = [json.loads(line) for line in answer.text.splitlines()]
    return [int(each["id"].split()[1]) for each in found if each["id"].startswith("event")]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", [4, 3, 2, 1, 0]),
        ("kind=upload", [2]),
        ("person=ada", [1, 0]),
        ("person=ADA@example.org", [1, 0]),
        ("person=lovelace", [1, 0]),
        ("person=Gone+Member", [3]),
        ("person=nobody", []),
        ("project=Flask_Login", [0]),
        ("project=flask", [2]),
        ("address=192.0.2.7", [0]),
        ("address=192.0.2.", [2, 0]),
        ("address=2001:db8:", [4]),
        ("since=2026-01-04", [4, 3, 2]),
        ("until=2026-01-04", [2, 1, 0]),
        ("since=2026-01-03&until=2026-01-03", [1]),
        ("until=0001-01-01", []),
        ("text=PUBLISHED", [2]),
        ("text=eve", [4, 1]),
        ("text=(100%25)", [3]),
        ("text=.*", []),
        ("person=ada&address=192.0.2.7&text=yank&project=flask-login&since=2026-01-01&kind=project", [0]),
        ("person=ada&text=published", []),
    ],
)
def test_log_is_filtered(log: Browser, query: str, expected: list[int]) -> None:
    assert numbers(log, query) == expected
    page = page_of(log.get(f"/admin/audit?{query}"))
    assert len(page.select("tbody tr td:first-child .whole")) >= len(expected)


def test_page_keeps_what_was_typed_and_leads_to_its_export(log: Browser) -> None:
    page = page_of(log.get("/admin/audit?person=ada&since=2026-01-03"))

    assert page.select_one("#log-person")["value"] == "ada"  # type: ignore[index]
    assert texts(page, "tbody td:nth-of-type(3)") == ["Disabled the account."]
    assert log.get(page.select_one("main p a")["href"]).text.count("\r\n") == 2  # type: ignore[index]


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("since=yesterday", 400),
        ("until=9999-12-31", 400),
        ("since=2026-02-30", 400),
        ("kind=nothing", 400),
        ("text=" + "x" * 255, 413),
        ("person=%00%00", 200),
        ("address=%24ne", 200),
        ("project=", 200),
    ],
)
@pytest.mark.parametrize("address", ["/admin/audit", "/admin/audit.csv", "/admin/audit.jsonl"])
def test_odd_filters_are_answered(log: Browser, address: str, query: str, status: int) -> None:
    assert log.get(f"{address}?{query}").status_code == status


def test_csv_holds_no_formula(log: Browser) -> None:
    answer = log.get("/admin/audit.csv?address=2001:db8::1")

    header, row = csv.reader(io.StringIO(answer.text))
    cells = dict(zip(header, row, strict=True))
    assert answer.content_type == "text/csv; charset=utf-8"
    assert answer.headers["Content-Disposition"].startswith('attachment; filename="audit-log-')
    assert answer.headers["Cache-Control"] == "no-store"
    assert (cells["actor"], cells["description"]) == ("'@eve", "'=1+1")
    assert (cells["at"], cells["address"]) == ("2026-01-06T23:30:00.000+00:00", "2001:db8::1")


def test_json_lines_have_every_field(log: Browser) -> None:
    answer = log.get("/admin/audit.jsonl?kind=upload")

    assert answer.content_type == "application/jsonl"
    assert json.loads(answer.text) == {
        "at": "2026-01-04T23:30:00.000+00:00",
        "kind": "upload",
        "actor": "Ada",
        "actor_id": None,
        "description": "Published flask 3.",
        "target": "package flask",
        "user_id": None,
        "address": "192.0.2.70",
        "user_agent": None,
        "id": "event 2",
    }


def test_export_is_recorded(log: Browser) -> None:
    log.get("/admin/audit.csv")

    [last] = AuditEvent.objects.newest().limit(1).plain()
    assert (last["actor_name"], last["description"]) == ("Grace Hopper", "Exported the audit log as CSV.")


@pytest.mark.real_server
def test_long_export_is_streamed(log: Browser) -> None:
    for part in range(5):
        rows = ({"_id": f"{part}-{number}", "description": "x" * 1000} for number in range(1000))
        AuditEvent._get_collection().insert_many(rows)
    tracemalloc.start()

    length = sum(map(len, log.get("/admin/audit.csv").iter_encoded()))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert length > 5_000_000
    assert peak < 3_000_000


def test_members_export_nothing(app: Flask, admin: Browser) -> None:
    member("Ada")
    visitor = browser(app)
    visitor.sign_in("ada@example.org")

    assert visitor.get("/admin/audit.csv").status_code == 403
    assert admin.get("/admin/audit.xml").status_code == 404


def test_upload_is_recorded(app: Flask, admin: Browser) -> None:
    ada = member("Ada")
    secret = uploads.token_of(ada)
    for _ in range(2):  # the second changes nothing
        sent = uploads.upload(app.test_client(), secret, uploads.wheel(), uploads.wheel_name())
        assert sent.status_code == 200

    [said] = AuditEvent.objects.of_kind("upload").plain()

    assert said["description"].startswith(f"Published {uploads.wheel_name()} of larder-probe ")
    assert (said["actor_id"], said["target"]) == (User.objects.get(name="Ada").id, "package larder-probe")
    assert said["ip_address"] == "127.0.0.1"
