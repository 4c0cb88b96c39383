"""Rules for uploaded files: their documents in `files`, the projects that list them, and their bytes.

A site keeps running while it is checked, so what was changed within the last minutes is looked at again, or left out.
"""

import math
from collections.abc import Iterable, Iterator
from datetime import timedelta
from functools import partial
from typing import Any

import bson
from packaging.utils import NormalizedName

from webapp.changes import claims, removal
from webapp.changes.lost_bytes import find_bytes, is_whole, put_record_back
from webapp.documents import Contents, Package, PublishingSession, StoredFile, UpstreamFile, contents
from webapp.documents.base import Plain, as_declared, in_batches, utc_now
from webapp.documents.contents import Held
from webapp.documents.release import is_own
from webapp.documents.stored_file import ARRIVING, DELETED, DELETING, STAGED, STORED
from webapp.inspection.findings import Finding
from webapp.rules import naming

STATES = (ARRIVING, STAGED, STORED, DELETING, DELETED)
# How many files are looked up together.
_TOGETHER = 500
# No upload takes this long, so older bytes without an owner are left over.
GRACE = timedelta(hours=1)
# What a file's document and its project's entry have in common.
_SHARED = ("sha256", "size", "blake2b_256", "md5", "metadata_sha256")


def broken_files(*, deep: bool = False) -> Iterator[Finding]:
    """Yield the findings about uploaded files. With `deep`, all bytes are read and compared with their SHA-256."""
    yield from _states_and_bytes(deep=deep)
    yield from _listed_and_not()
    yield from _listed_twice()
    yield from _of_upstream(deep=deep)
    yield from _without_an_owner()


def _states_and_bytes(*, deep: bool) -> Iterator[Finding]:
    found = StoredFile.objects.raw().find({}, {"metadata": 0, "attestations": 0}).sort("_id", 1)
    for together in in_batches(found, _TOGETHER):
        held = contents.held([each.get("content_id") for each in together if each.get("state") in (STAGED, STORED)])
        for son in together:
            state = son.get("state")
            if state not in STATES:
                yield _of_unknown_state(son)
            elif state == DELETED:
                continue
            elif state in (ARRIVING, DELETING):
                yield from _left_over(son)
            elif state == STAGED and not claims.is_reserved(son) and _is_still(son):
                repair = partial(claims.settle_staged, son)
                yield Finding("files", son["_id"], "claim", "no publishing session lists it", repair)
            elif (what := _damage(son, held, deep=deep)) and _is_still(son):
                yield Finding("files", son["_id"], "bytes", f"{what}; {son.get('package')!r} lists it")


def _damage(son: Plain, held: dict[Any, Held], *, deep: bool) -> str | None:
    """Return what is wrong with the bytes of a file, or None."""
    content_id, size = son.get("content_id"), son.get("size")
    if not isinstance(content_id, bson.ObjectId) or not isinstance(size, (int, float)) or not math.isfinite(size):
        return "its document does not say where its bytes are"
    if what := contents.damage(held.get(content_id), int(size)):
        return what
    if deep and not is_whole(son):
        return "its bytes do not have its SHA-256"
    return None


def _is_still(son: Plain) -> bool:
    """Tell whether a file is as it was when it was read, and was not deleted in the meantime."""
    unchanged = {"_id": son["_id"], "state": son.get("state"), "content_id": son.get("content_id")}
    return StoredFile.objects.raw().count_documents(unchanged, limit=1) == 1


def _of_unknown_state(son: Plain) -> Finding:
    what = f"its state {son.get('state')!r} is not one of {', '.join(STATES)}, so it is not served"
    can_be_stored = claims.is_listed(son) and is_whole(son)
    repair = partial(_set_stored, son["_id"], son.get("state")) if can_be_stored else None
    return Finding("files", son["_id"], "state", what, repair)


def _set_stored(filename: Any, state: Any) -> bool:
    change = {"$set": {"state": STORED}, "$unset": {"attempt": "", "alive_at": "", "deleting_at": ""}}
    return bool(StoredFile.objects.raw().update_one({"_id": filename, "state": state}, change).matched_count)


def _left_over(son: Plain) -> Iterator[Finding]:
    if son["state"] == ARRIVING:
        alive_at = son.get("alive_at")
        if not alive_at or alive_at < utc_now() - timedelta(seconds=claims.LIFETIME_S):
            yield Finding("files", son["_id"], "claim", "its upload never ended", partial(claims.settle_leftover, son))
        return
    begun = son.get("deleting_at")
    if not begun or begun < utc_now() - removal.LIFETIME:
        repair = partial(_finish_deletion, str(son.get("package")), son["_id"])
        yield Finding("files", son["_id"], "claim", "its deletion never ended", repair)


def _finish_deletion(package: str, filename: str) -> bool:
    removal.settle(NormalizedName(package), [filename])
    return True


def _listed_and_not() -> Iterator[Finding]:
    """Compare `files` with what projects list, both ways."""
    fields = {"releases.version": 1, **{f"releases.files.{name}": 1 for name in ("filename", "url", *_SHARED)}}
    packages = Package.objects.raw().find({}, fields, batch_size=_TOGETHER).sort("_id", 1)
    for son in packages:
        listed = {file["filename"]: (version, file) for version, file in _own_files(son)}
        own = {"$or": [{"package": son["_id"], "state": STORED}, {"_id": {"$in": list(listed)}}]}
        kept = {each["_id"]: each for each in StoredFile.objects.raw().find(own, {"metadata": 0})}
        for filename, (version, file) in listed.items():
            yield from _of_listed(son["_id"], version, file, kept.get(filename))
        for filename, record in kept.items():
            if filename not in listed and not _is_listed_anywhere(filename) and _is_still(record):
                yield Finding("files", filename, "not-listed", f"{son['_id']!r} does not list it")
    yield from _of_projects_that_are_gone()


def _own_files(son: Plain) -> Iterator[tuple[str, Plain]]:
    for release in as_declared(Package, son).get("releases", []):
        for file in release.get("files", []):
            if is_own(file.get("url")) and file.get("filename"):
                yield release.get("version", ""), file


def _of_listed(key: str, version: str, file: Plain, record: Plain | None) -> Iterator[Finding]:
    filename = file["filename"]
    if record is None or record.get("state") == DELETED:
        if not _is_listed(key, file):
            return  # it was deleted in the meantime
        now = StoredFile.objects.raw().find_one({"_id": filename}, {"state": 1})
        if now and now.get("state") != DELETED:
            return
        repair = partial(put_record_back, key, filename) if find_bytes(filename, file.get("sha256")) else None
        what = f"{filename} is listed, but " + ("has no document in `files`" if now is None else "counts as deleted")
        yield Finding("packages", key, "file-record", what, repair)
        return
    plain = as_declared(StoredFile, record)
    different = [name for name in _SHARED if file.get(name) is not None and plain.get(name) != file[name]]
    if plain.get("package") != key:
        different.append("package")
    if naming.sort_key(plain.get("version", "")) != naming.sort_key(version):
        different.append("version")
    if different and record.get("state") in STATES and _is_listed(key, file):
        repair = partial(_follow_project, key, version, file, record) if _has_bytes_of(file, record) else None
        what = f"{', '.join(different)} of {filename} differ from its document in `files`"
        yield Finding("packages", key, "file-differs", what, repair)


def _is_listed(key: str, file: Plain) -> bool:
    return claims.is_listed({"_id": file["filename"], "package": key, "sha256": file.get("sha256")})


def _is_listed_anywhere(filename: Any) -> bool:
    listed = {"_id": project_of(filename), "releases.files.filename": filename}
    return Package.objects.raw().count_documents(listed, limit=1) == 1


def _has_bytes_of(file: Plain, record: Plain) -> bool:
    """Tell whether the stored bytes are those that the project lists, so that the document in `files` is wrong."""
    return is_whole({"content_id": record.get("content_id"), "size": file.get("size"), "sha256": file.get("sha256")})


def _follow_project(key: str, version: str, file: Plain, record: Plain) -> bool:
    shared = {name: file[name] for name in _SHARED if file.get(name) is not None and name != "metadata_sha256"}
    values = {"package": key, "version": version, **shared, "size": bson.Int64(file["size"])}
    unchanged = {"_id": record["_id"], "content_id": record.get("content_id")}
    return bool(StoredFile.objects.raw().update_one(unchanged, {"$set": values}).matched_count)


def _of_projects_that_are_gone() -> Iterator[Finding]:
    projects: list[Plain] = [
        {"$match": {"state": STORED}},
        {"$group": {"_id": "$package"}},
        {"$lookup": {"from": "packages", "localField": "_id", "foreignField": "_id", "as": "found",
                     "pipeline": [{"$project": {"_id": 1}}]}},
        {"$match": {"found": []}},
    ]  # fmt: skip
    files = StoredFile.objects.raw()
    for project in files.aggregate(projects, allowDiskUse=True):
        for record in files.find({"package": project["_id"], "state": STORED}, {"metadata": 0}).sort("_id", 1):
            if not _is_listed_anywhere(record["_id"]) and _is_still(record):
                yield Finding("files", record["_id"], "not-listed", f"there is no project {project['_id']!r}")


def _listed_twice() -> Iterator[Finding]:
    place = {"package": "$_id", "version": "$releases.version"}
    pipeline: list[Plain] = [
        {"$project": {"releases.version": 1, "releases.files.filename": 1}},
        {"$unwind": "$releases"},
        {"$unwind": "$releases.files"},
        {"$group": {"_id": "$releases.files.filename", "places": {"$push": place}}},
        {"$match": {"_id": {"$type": "string"}, "places.1": {"$exists": True}}},
        {"$sort": {"_id": 1}},
    ]
    for son in Package.objects.raw().aggregate(pipeline, allowDiskUse=True):
        places = [f"{place['package']} {place.get('version')}" for place in son["places"]]
        what = f"{son['_id']} is listed in several releases: {', '.join(places)}"
        yield Finding("packages", son["places"][0]["package"], "file-twice", what)


def _of_upstream(*, deep: bool) -> Iterator[Finding]:
    """Yield the files of another index whose bytes are damaged; without their document they are fetched again."""
    found = UpstreamFile.objects.raw().find({"content_id": {"$type": "objectId"}}, {"metadata": 0}).sort("_id", 1)
    for together in in_batches(found, _TOGETHER):
        held = contents.held([each["content_id"] for each in together])
        for son in together:
            as_stored = {"content_id": son["content_id"], "size": son.get("size"), "sha256": son["_id"]}
            if what := _damage(as_stored, held, deep=deep):
                unchanged = {"_id": son["_id"], "content_id": son["content_id"]}
                if UpstreamFile.objects.raw().count_documents(unchanged, limit=1):
                    yield Finding("upstream_files", son["_id"], "bytes", what, partial(_forget_upstream, unchanged))


def _forget_upstream(which: Plain) -> bool:
    if not UpstreamFile.objects.raw().delete_one(which).deleted_count:
        return False
    contents.delete(which["content_id"])
    return True


def _without_an_owner() -> Iterator[Finding]:
    """Yield bytes that belong to no file. Those whose file lost its document are not among them: see `file-record`."""
    before = bson.ObjectId.from_datetime(utc_now() - GRACE)
    for together in in_batches(contents.ids_before(before), _TOGETHER):
        for content_id in sorted(set(together) - owned(together)):
            what = "these bytes belong to no file"
            yield Finding(Contents._get_collection_name(), content_id, "unowned", what, partial(_delete, content_id))


def _delete(content_id: bson.ObjectId) -> bool:
    contents.delete(content_id)
    return True


def owned(content_ids: Iterable[bson.ObjectId]) -> set[bson.ObjectId]:
    """Return which of these bytes belong to a file, or are those of a listed file that lost its document."""
    ids = list(content_ids)
    known: set[bson.ObjectId] = {
        *StoredFile.objects.with_contents(ids).scalar("content_id"),
        *UpstreamFile.objects(content_id__in=ids).scalar("content_id"),
        *PublishingSession.bytes_of_pending(ids),
    }
    others = Contents.objects.raw().find({"_id": {"$in": list(set(ids) - known)}}, {"filename": 1})
    return known | {son["_id"] for son in others if _is_listed_anywhere(son.get("filename"))}


def project_of(filename: Any) -> str | None:
    """Return the project whose name a file's name starts with: "Flask_Login-1.0.tar.gz" -> "flask-login"."""
    if not isinstance(filename, str):
        return None
    name = filename.partition("-")[0] if filename.endswith((".whl", ".egg")) else filename.rpartition("-")[0]
    try:
        return naming.normalize_name(name)
    except naming.InvalidName:
        return None
