"""Documents that name each other."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import bson
import pytest
from flask.testing import FlaskClient, FlaskCliRunner

from tests.inspection.damage import (
    CHUNK_BYTES,
    FILE,
    FILES,
    FIRST,
    LONG_AGO,
    OLD_ID,
    PACKAGES,
    SECOND,
    content_id,
    record_is_gone,
)
from tests.publishing.uploads import wheel, wheel_name
from webapp.documents import (
    DOCUMENTS,
    ApiToken,
    Chunk,
    Contents,
    Counter,
    JournalEntry,
    KnownName,
    NameClaim,
    Package,
    SearchEntry,
    StoredFile,
    Team,
    UpstreamFile,
    User,
    contents,
    ensure_indexes,
)
from webapp.documents.base import utc_now
from webapp.inspection.check import check

pytestmark = pytest.mark.real_server


def lose_all_bytes() -> None:
    contents.delete(content_id())


def lose_a_chunk() -> None:
    Chunk._get_collection().delete_one({"files_id": content_id(), "n": 1})


def lose_the_last_chunk() -> None:
    Chunk._get_collection().delete_one({"files_id": content_id(), "n": int(held().chunks) - 1})


def held() -> contents.Held:
    return contents.held([content_id()])[content_id()]


def cut_a_chunk() -> None:
    Chunk._get_collection().update_one({"files_id": content_id(), "n": 0}, {"$set": {"data": b"cut"}})


def chunk_that_is_no_bytes() -> None:
    Chunk._get_collection().update_one({"files_id": content_id(), "n": 0}, {"$set": {"data": 5}})


def move_bytes_between_chunks() -> None:
    for number, data in ((0, b"x" * (CHUNK_BYTES - 1)), (1, b"x" * (CHUNK_BYTES + 1))):
        Chunk._get_collection().update_one({"files_id": content_id(), "n": number}, {"$set": {"data": data}})


def lose_the_description() -> None:
    Contents._get_collection().delete_one({"_id": content_id()})


def file_without_bytes() -> None:
    FILES().update_one({"_id": FILE}, {"$unset": {"content_id": ""}})
    contents.delete_unowned(lambda ids: set(StoredFile.objects.with_contents(ids).scalar("content_id")), utc_now())


def unknown_state() -> None:
    FILES().update_one({"_id": FILE}, {"$set": {"state": "Stored"}})


def unknown_state_of_an_unlisted_file() -> None:
    FILES().insert_one({"_id": "x-1.0.tar.gz", "package": FIRST, "state": "lost", "sha256": "0" * 64})


def upload_that_never_ended() -> None:
    PACKAGES().update_one({"_id": FIRST}, {"$pull": {"releases": {"version": "1.0"}}, "$set": {"release_count": 1}})
    change = {"state": "arriving", "attempt": "x", "alive_at": LONG_AGO}
    FILES().update_one({"_id": FILE}, {"$set": change})
    Package._get_db()["release_facts"].delete_one({"_id": f"{FIRST}/1.0"})


def deletion_that_never_ended() -> None:
    FILES().update_one({"_id": FILE}, {"$set": {"state": "deleting", "deleting_at": LONG_AGO}})


def record_and_bytes_are_gone() -> None:
    lose_all_bytes()
    record_is_gone()


def listed_file_counts_as_deleted() -> None:
    FILES().update_one({"_id": FILE}, {"$set": {"state": "deleted"}, "$unset": {"content_id": "", "metadata": ""}})


def record_of_other_bytes() -> None:
    FILES().update_one({"_id": FILE}, {"$set": {"sha256": "0" * 64, "md5": "0" * 32}})


def record_of_another_version() -> None:
    FILES().update_one({"_id": FILE}, {"$set": {"version": "7.0", "package": SECOND}})


def project_lists_other_bytes() -> None:
    PACKAGES().update_one({"_id": FIRST}, {"$set": {"releases.1.files.0.sha256": "0" * 64}})


def project_no_longer_lists_it() -> None:
    PACKAGES().update_one({"_id": FIRST}, {"$set": {"releases.1.files": [], "releases.1.file_count": 0}})
    Package._get_db()["release_facts"].update_many({}, {"$unset": {"filename": ""}})


def project_is_gone() -> None:
    PACKAGES().delete_one({"_id": SECOND})
    SearchEntry._get_collection().delete_one({"_id": SECOND})
    Package._get_db()["release_facts"].delete_many({"_id": {"$regex": f"^{SECOND}/"}})


def file_in_two_releases() -> None:
    file = (PACKAGES().find_one({"_id": FIRST}) or {})["releases"][1]["files"][0]
    change = {"$push": {"releases.0.files": file}, "$set": {"releases.0.file_count": 2}}
    PACKAGES().update_one({"_id": FIRST}, change)


def bytes_of_nobody() -> None:
    Chunk._get_collection().insert_one({"files_id": OLD_ID, "n": 3, "data": b"x"})


def description_of_nobodys_bytes() -> None:
    Contents._get_collection().insert_one({"_id": OLD_ID, "length": 5, "filename": "x"})


def upstream_bytes_are_gone() -> None:
    UpstreamFile._get_collection().insert_one({"_id": "0" * 64, "size": 5, "content_id": OLD_ID})


def search_entry_is_gone() -> None:
    SearchEntry._get_collection().delete_one({"_id": FIRST})


def search_entry_of_nothing() -> None:
    SearchEntry._get_collection().insert_one({"_id": "zzz", "name": "zzz"})


def search_entry_is_old() -> None:
    SearchEntry._get_collection().update_one({"_id": FIRST}, {"$set": {"made_from": LONG_AGO - timedelta(days=1)}})


def name_is_forgotten() -> None:
    KnownName._get_collection().delete_one({"_id": FIRST})


def name_of_a_deleted_project_is_forgotten() -> None:
    entry = {"_id": bson.Int64(2), "package": "gone", "action": "remove project", "at": LONG_AGO}
    JournalEntry._get_collection().delete_one({"_id": 2})
    PACKAGES().update_many({"last_serial": 2}, {"$set": {"last_serial": bson.Int64(3)}})
    JournalEntry._get_collection().insert_one(entry)


def counter_is_behind() -> None:
    Counter._get_collection().update_one({"_id": "journal"}, {"$set": {"value": 2}})


def counter_is_no_number() -> None:
    Counter._get_collection().update_one({"_id": "journal"}, {"$set": {"value": float("nan")}})


def counter_is_infinite() -> None:
    Counter._get_collection().update_one({"_id": "journal"}, {"$set": {"value": float("inf")}})


def counter_is_gone() -> None:
    Counter._get_collection().delete_many({})


def journal_entry_is_gone() -> None:
    last = (PACKAGES().find_one({"_id": FIRST}) or {})["last_serial"]
    JournalEntry._get_collection().delete_one({"_id": last})


def entry_was_not_copied() -> None:
    last = (PACKAGES().find_one({"_id": FIRST}) or {})["last_serial"]
    entry = JournalEntry._get_collection().find_one_and_delete({"_id": last}) or {}
    del entry["package"]
    entry["serial"] = entry.pop("_id")
    PACKAGES().update_one({"_id": FIRST}, {"$set": {"unwritten": [entry]}})


def name_is_claimed_by_nobody() -> None:
    NameClaim._get_collection().insert_one({"_id": "zzz", "holder": "zzz", "taken_at": LONG_AGO})


def administrator_is_marked() -> None:
    User._get_collection().update_one({}, {"$set": {"leaving_admin": str(OLD_ID)}})


def account_is_marked() -> None:
    User._get_collection().update_one({}, {"$set": {"being_deleted": str(OLD_ID)}})


def team_is_marked() -> None:
    Team(name="staff", being_deleted=str(OLD_ID)).save()


def owner_of_a_token_is_gone() -> None:
    token = ApiToken._get_collection().find_one({}) or {}
    ApiToken._get_collection().insert_one({**token, "_id": OLD_ID, "digest": "x", "user_id": OLD_ID})


def index_is_gone() -> None:
    PACKAGES().drop_index("by_license")


def index_is_another() -> None:
    PACKAGES().drop_index("by_license")
    PACKAGES().create_index([("license", 1)], name="by_license")


def key_twice() -> None:
    FILES().drop_index("one_file_a_name")
    FILES().update_one({"_id": FILE}, {"$set": {"canonical_name": StoredFile.objects.get(pk=OTHER).canonical_name}})


OTHER = wheel_name(version="2.0")
DAMAGED = ("files", FILE, "bytes")
# What was done, what a check says of it, and whether a repair mends it.
KINDS: list[tuple[Callable[[], None], list[tuple[str, Any, str]], bool]] = [
    (lose_all_bytes, [DAMAGED], False),
    (lose_a_chunk, [DAMAGED], False),
    (lose_the_last_chunk, [DAMAGED], False),
    (cut_a_chunk, [DAMAGED], False),
    (chunk_that_is_no_bytes, [DAMAGED, ("contents.chunks", None, "shape")], False),
    (move_bytes_between_chunks, [DAMAGED], False),
    (lose_the_description, [DAMAGED], False),
    (file_without_bytes, [DAMAGED], False),
    (unknown_state, [("files", FILE, "state")], True),
    (unknown_state_of_an_unlisted_file, [("files", "x-1.0.tar.gz", "state")], False),
    (upload_that_never_ended, [("files", FILE, "claim")], True),
    (deletion_that_never_ended, [("files", FILE, "claim")], True),
    (record_is_gone, [("packages", FIRST, "file-record")], True),
    (record_and_bytes_are_gone, [("packages", FIRST, "file-record")], False),
    (listed_file_counts_as_deleted, [("packages", FIRST, "file-record")], True),
    (record_of_other_bytes, [("packages", FIRST, "file-differs")], True),
    (record_of_another_version, [("packages", FIRST, "file-differs")], True),
    (project_lists_other_bytes, [("packages", FIRST, "file-differs")], False),
    (project_no_longer_lists_it, [("files", FILE, "not-listed")], False),
    (project_is_gone, [("files", wheel_name(SECOND), "not-listed")], False),
    (file_in_two_releases, [("packages", FIRST, "file-twice")], False),
    (bytes_of_nobody, [("contents.files", OLD_ID, "unowned")], True),
    (description_of_nobodys_bytes, [("contents.files", OLD_ID, "unowned")], True),
    (upstream_bytes_are_gone, [("upstream_files", "0" * 64, "bytes")], True),
    (search_entry_is_gone, [("packages", FIRST, "search-missing")], True),
    (search_entry_of_nothing, [("search_entries", "zzz", "search-gone")], True),
    (search_entry_is_old, [("packages", FIRST, "search-old")], True),
    (name_is_forgotten, [("packages", FIRST, "known-name")], True),
    (name_of_a_deleted_project_is_forgotten, [("journal", "gone", "known-name")], True),
    (counter_is_behind, [("counters", "journal", "counter")], True),
    (counter_is_no_number, [("counters", "journal", "counter")], True),
    (counter_is_infinite, [("counters", "journal", "counter")], True),
    (counter_is_gone, [("counters", "journal", "counter")], True),
    (journal_entry_is_gone, [("packages", FIRST, "journal-missing")], False),
    (entry_was_not_copied, [("packages", FIRST, "claim")], True),
    (name_is_claimed_by_nobody, [("name_claims", "zzz", "claim")], True),
    (administrator_is_marked, [("users", None, "claim")], True),
    (account_is_marked, [("users", None, "claim")], True),
    (team_is_marked, [("teams", "staff", "claim")], True),
    (owner_of_a_token_is_gone, [("tokens", OLD_ID, "token-owner")], True),
    (index_is_gone, [("packages", "by_license", "index")], True),
    (index_is_another, [("packages", "by_license", "index")], False),
    (key_twice, [("files", FILE, "twice"), ("files", "one_file_a_name", "index")], False),
]


@pytest.mark.parametrize(("damage", "expected", "is_mended"), KINDS)
def test_damage_is_named_and_a_dry_run_promises_what_the_repair_does(
    files_in_order: FlaskClient,
    runner: FlaskCliRunner,
    damage: Callable[[], None],
    expected: list[tuple[str, Any, str]],
    is_mended: bool,  # noqa: FBT001 - pytest calls it
) -> None:
    damage()

    try:
        findings = [finding[:3] for finding in check()]
        promised = runner.invoke(args=["db", "repair", "--dry-run"]).output
        still = [finding[:3] for finding in check()]
        done = runner.invoke(args=["db", "repair"])
        after = [finding[:3] for finding in check(deep=True)]
    finally:
        for each in ("by_license", "one_file_a_name"):
            for document_type in (Package, StoredFile):
                collection = document_type._get_collection()
                if each in collection.index_information():
                    collection.drop_index(each)
        FILES().update_one({"_id": FILE}, {"$unset": {"canonical_name": ""}})
        ensure_indexes(DOCUMENTS)

    wanted = [(collection, key, rule) for collection, key, rule in expected if key is not None]
    assert set(wanted) <= set(findings)
    assert {(each[0], each[2]) for each in findings} == {(collection, rule) for collection, _, rule in expected}
    assert still == findings
    assert re.sub("would be repaired", "repaired", promised) == done.output
    assert (done.exit_code == 0) == is_mended
    assert (after == []) == is_mended


def test_repaired_file_is_served_again(files_in_order: FlaskClient, runner: FlaskCliRunner) -> None:
    address = Package.objects.get(pk=FIRST).releases[1].files[0].url
    before = FILES().find_one({"_id": FILE}) or {}
    for damage in (record_is_gone, unknown_state, record_of_other_bytes, deletion_that_never_ended):
        damage()

        runner.invoke(args=["db", "repair"])

        assert files_in_order.get(address).data == wheel(), damage
        assert files_in_order.get(f"{address}.metadata").status_code == 200
    after = FILES().find_one({"_id": FILE}) or {}
    assert after | {"uploaded_at": None} == before | {"uploaded_at": None}
