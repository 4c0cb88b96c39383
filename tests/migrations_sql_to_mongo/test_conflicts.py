"""What an operator reads of what catch-up left alone."""

import pytest

from tests.migrations_sql_to_mongo.conftest import CHANGES, Db, Make, old_site_goes_on
from tests.migrations_sql_to_mongo.old_site import package, some_rows


@pytest.mark.parametrize("verify", ["changed", "all"])
def test_what_people_did_on_the_new_site_is_never_overwritten(mover: Make, db: Db, verify: str) -> None:
    rows = some_rows()
    rows["packages"] += [package("kept"), package("removed-here"), package("untouched")]
    move = mover(rows)
    assert move("run").code == 0
    db.packages.update_one({"_id": "flask"}, {"$set": {"summary": "Edited here"}})
    db.packages.update_one({"_id": "untouched"}, {"$set": {"summary": "Edited here, not there"}})
    db.packages.delete_one({"_id": "removed-here"})
    db.packages.update_one({"_id": "zope-interface"}, {"$set": {"home_page": "https://here.example.org"}})
    db.packages.insert_one({"_id": "new-one", "name": "New_One", "release_count": 0})
    db.users.insert_one({"email": "new@example.org", "email_folded": "new@example.org"})
    old_site_goes_on(
        move,
        *CHANGES,
        "UPDATE packages SET summary = 'changed there' WHERE id IN ('kept', 'removed-here')",
        "INSERT INTO users (id, name, email) VALUES (9, 'Same address', 'NEW@example.org')",
    )
    here = {one["_id"]: one for one in db.packages.find()}

    planned = move("catch-up", "--dry-run", "--json")
    done = move("catch-up", "--verify", verify, "--json")

    assert planned.code == done.code == 1, done.err
    assert planned.report["conflicts"] == done.report["conflicts"]
    assert planned.report["changes"] == done.report["changes"]
    assert sorted(done.report["conflicts"]) == [
        "packages flask: was edited on this site since it was moved",
        "packages new-one: was registered on this site, too",
        "packages removed-here: was removed from this site since it was moved",
        "packages zope-interface: was edited on this site since it was moved",
        "users 9: another user of this site (new@example.org) has the email address new@example.org",
    ]
    after = {one["_id"]: one for one in db.packages.find()}
    assert after.pop("kept")["summary"] == "changed there"
    assert after == {key: one for key, one in here.items() if key != "kept"}
    assert db.users.count_documents({"email_folded": "new@example.org"}) == 1
    # They are told of again, until somebody settles them.
    assert sorted(move("catch-up", "--json").report["conflicts"]) == sorted(done.report["conflicts"])
