"""Rules for advisories: what is compared and shown follows from the record."""

from collections.abc import Iterator
from functools import partial
from typing import Any

from webapp.changes.advisories import derived
from webapp.documents import Advisory
from webapp.documents.base import Plain
from webapp.inspection.findings import Finding
from webapp.rules.osv import BadAdvisory

# Records are larger than anything else in a document.
_TOGETHER = 200
# What does not follow from the record.
_OTHERS = ("_id", "record", "imported_at", "is_own", "crc", "size")


def broken_advisories() -> Iterator[Finding]:
    """Yield the advisories whose fields do not follow from their records, by id."""
    for son in Advisory.objects.raw().find({}, batch_size=_TOGETHER).sort("_id", 1):
        try:
            expected = derived(son.get("record"))
        except BadAdvisory as error:
            yield Finding("advisories", son["_id"], "record", f"its record cannot be used: {error}")
            continue
        if expected["_id"] != son["_id"]:
            yield Finding("advisories", son["_id"], "record", f"its record is that of {expected['_id']}")
        elif wrong := _differing(son, expected):
            what = f"not as its record says: {', '.join(wrong)}"
            yield Finding("advisories", son["_id"], "derived", what, partial(_derive_again, son["_id"]))


def _differing(son: Plain, expected: Plain) -> list[str]:
    names = (son.keys() | expected.keys()) - set(_OTHERS)
    return sorted(name for name in names & {*Advisory._db_field_map.values()} if son.get(name) != expected.get(name))


def _derive_again(advisory_id: Any) -> bool:
    """Derive the fields of an advisory again; False if its record cannot be used, or was changed in the meantime."""
    advisories = Advisory.objects.raw()
    son = advisories.find_one({"_id": advisory_id})
    try:
        expected = derived((son or {}).get("record"))
    except BadAdvisory:
        return False
    absent = [name for name in _differing(son or {}, expected) if name not in expected]
    change: Plain = {"$set": {name: value for name, value in expected.items() if name != "_id"}}
    if absent:
        change["$unset"] = dict.fromkeys(absent, "")
    unchanged = {"_id": expected["_id"], "record": (son or {}).get("record")}
    return bool(advisories.update_one(unchanged, change).matched_count)
