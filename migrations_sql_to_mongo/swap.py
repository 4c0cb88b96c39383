"""Replace the site's collections with the copied ones, and restore them.

A collection goes through these states, each written into the ledger before the next begins:
"staged": the documents are in `packages_staging_<run>`; "kept": what the site had is also in `packages_before_<run>`;
"swapped": the site reads what was staged; "restored": it reads what it had before.
"""

from typing import Any

from migrations_sql_to_mongo.digests import digests_collection
from migrations_sql_to_mongo.errors import Stopped
from migrations_sql_to_mongo.ledger import DONE, UNDOING, UNDONE, Entry, Ledger
from migrations_sql_to_mongo.target import Target
from webapp.documents.validators import set_validator
from webapp.rules.texts import counted

EXAMPLES = 3
SEEDED = "installed on the machine where this index was started"


def staged(run_id: str, collections: list[str]) -> list[Entry]:
    """Return what the ledger stores about each collection before anything is copied."""
    return [
        {"name": name, "staging": f"{name}_staging_{run_id}", "before": f"{name}_before_{run_id}", "state": "staged"}
        for name in collections
    ]


def rejects_collection(run_id: str) -> str:
    """Return the collection of a run's rejected rows."""
    return f"migrations_rejects_{run_id}"


def corrected_collection(run_id: str) -> str:
    """Return the collection of a run's corrected rows."""
    return f"migrations_corrected_{run_id}"


def standing(target: Target, collections: list[str]) -> dict[str, Any]:
    """Return the fingerprints of the collections that contain documents."""
    found = {name: target.patiently(target.fingerprint, name) for name in collections}
    return {name: fingerprint for name, fingerprint in found.items() if fingerprint["documents"]}


def foreign(target: Target, ledger: Ledger, found: dict[str, Any]) -> list[str]:
    """Return what is in the way, one phrase each: collections that are not as a migration left them."""
    written = [
        (collection["name"], collection.get("is"))
        for entry in ledger.runs()
        if entry["state"] == DONE
        for collection in entry["collections"]
    ]
    return [
        _described(target, name, fingerprint["documents"])
        for name, fingerprint in found.items()
        if (name, fingerprint) not in written
    ]


def _described(target: Target, name: str, count: int) -> str:
    collection = target.db[name]
    if name == "packages" and count == collection.count_documents({"releases.comment": SEEDED}):
        return f"{name} holds the {counted(count, 'packages')} that this site filled itself with at its first start"
    new = {"legacy": None} if name in ("packages", "users", "downloads") else {}
    number = collection.count_documents(new)
    examples = [_name(document) for document in collection.find(new).sort("_id", 1).limit(EXAMPLES)]
    if not number:
        return f"{name} holds {counted(count, 'documents')} of an earlier move, edited since"
    more = ", ..." * (number > EXAMPLES)
    return f"{name} holds {counted(number, 'documents')} that no migration wrote ({', '.join(examples)}{more})"


def _name(document: Entry) -> str:
    return str(document.get("email") or document["_id"])


def keep_and_swap(target: Target, ledger: Ledger, entry: Entry) -> None:
    """Put every staged collection in place, keeping what was there for `undo`. Raises Stopped.

    Readers always see complete collections: the old one is copied first, and then replaced by a single rename.
    """
    for collection in entry["collections"]:
        if collection["state"] == "swapped":
            continue
        if not _is_swapped(target, collection):
            # Also if it was kept before a kill: the site may have written since.
            _keep(target, entry, collection)
            _note(ledger, entry, collection, "kept")
            _rename(target, collection["staging"], collection["name"])
        _note(ledger, entry, collection, "swapped")


def refuse_undo(target: Target, ledger: Ledger, entry: Entry, *, discard: bool) -> None:
    """Raise Stopped if a run was followed by another, or if something was changed since, unless that is discarded."""
    refuse_later(ledger, entry)
    if not discard:
        _refuse_changed(target, entry)


def undo(target: Target, ledger: Ledger, entry: Entry, *, discard: bool) -> None:
    """Restore what the site had before a run. Raises Stopped as `refuse_undo` does."""
    refuse_undo(target, ledger, entry, discard=discard)
    ledger.note(entry, state=UNDOING)
    for collection in reversed(entry["collections"]):
        if collection["state"] == "kept" and not _is_swapped(target, collection):
            # Without its staging collection it would look swapped.
            _note(ledger, entry, collection, "staged")
        if collection["state"] != "restored":
            _restore(target, collection)
            _note(ledger, entry, collection, "restored")
    _remove_records(target, entry)


def remove_staged(target: Target, entry: Entry) -> None:
    """Remove what a run has written, if nothing was swapped in."""
    for collection in entry["collections"]:
        target.patiently(target.db.drop_collection, collection["staging"])
    _remove_records(target, entry)


def _remove_records(target: Target, entry: Entry) -> None:
    for name in (rejects_collection, corrected_collection, digests_collection):
        target.patiently(target.db.drop_collection, name(entry["_id"]))


def refuse_later(ledger: Ledger, entry: Entry) -> None:
    """Raise Stopped if a run was followed by another: they are undone in reverse order."""
    later = [run["_id"] for run in ledger.runs() if run["_id"] > entry["_id"] and run["state"] != UNDONE]
    if later:
        raise Stopped(f"run {later[-1]} came after {entry['_id']}: undo that one first")


def _refuse_changed(target: Target, entry: Entry) -> None:
    for collection in entry["collections"]:
        if _is_swapped(target, collection):
            found = target.patiently(target.fingerprint, collection["name"])
            if found != collection["is"] and not _is_back(target, entry, collection, found):
                then = counted(collection["is"]["documents"], "documents")
                raise Stopped(
                    f"{collection['name']} was changed since the run ({then} then, {found['documents']:,} now); "
                    "--discard-changes undoes that change, too"
                )


def changed_collections(target: Target, entry: Entry) -> list[str]:
    """Return the collections that a run has replaced, also if an interrupted undo has brought some back."""
    those = entry["collections"]
    return [one["name"] for one in those if one["state"] == "restored" or _is_swapped(target, one)]


def _is_swapped(target: Target, collection: Entry) -> bool:
    # A kill may have come between the rename and the ledger's update: the staging collection tells.
    return collection["state"] == "swapped" or (
        collection["state"] == "kept" and not target.patiently(target.has, collection["staging"])
    )


def _is_back(target: Target, entry: Entry, collection: Entry, found: dict[str, Any]) -> bool:
    """Tell whether an interrupted undo has restored a collection, but not noted it."""
    if entry["state"] != UNDOING:
        return False
    return not (target.patiently(target.has, collection["before"]) if collection["was"] else found["documents"])


def _restore(target: Target, collection: Entry) -> None:
    name, staging, before = collection["name"], collection["staging"], collection["before"]
    swapped = _is_swapped(target, collection)
    if swapped and collection["was"]:
        _rename(target, before, name)
    elif swapped:
        target.patiently(target.db.drop_collection, name)
    for leftover in (staging, before):
        target.patiently(target.db.drop_collection, leftover)


def _keep(target: Target, entry: Entry, collection: Entry) -> None:
    name, before = collection["name"], collection["before"]
    found = standing(target, [name]).get(name)
    if found != collection["was"] and not entry["options"]["replace_existing"]:
        raise Stopped(
            f"{name} was changed on the site while the run was at work; stop the site's writes and run again, "
            f"or give --replace-existing"
        )
    collection["was"] = found
    if found:
        target.patiently(_copy, target, name, before)


def _copy(target: Target, name: str, copy: str) -> None:
    if target.is_mock:
        target.db[copy].delete_many({})
        target.db[copy].insert_many(list(target.db[name].find()))
        return
    # An interrupted attempt may have left one, whose rule the new documents would have to obey.
    target.db[copy].drop()
    target.db[name].aggregate([{"$out": copy}])
    for index in target.db[name].list_indexes():
        options = {key: value for key, value in index.items() if key not in ("key", "v", "ns")}
        if options["name"] != "_id_":
            target.db[copy].create_index(list(index["key"].items()), **options)
    if validator := target.db[name].options().get("validator"):
        set_validator(target.db[copy], validator)


def _rename(target: Target, name: str, new_name: str) -> None:
    def attempt() -> None:
        if target.has(name):
            target.db[name].rename(new_name, dropTarget=True)

    target.patiently(attempt)


def _note(ledger: Ledger, entry: Entry, collection: Entry, state: str) -> None:
    collection["state"] = state
    ledger.note(entry, collections=entry["collections"])
