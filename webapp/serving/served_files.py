"""Which of the files that are kept here are served."""

from flask import abort

from webapp.changes.claims import is_listed
from webapp.documents import Package, StoredFile
from webapp.documents.base import Plain
from webapp.documents.stored_file import ARRIVING, DELETING, STAGED, STORED

FIELDS = ("filename", "package", "version", "state", "size", "sha256", "uploaded_at", "content_id")


def served_file(filename: str, sha256: str, *fields: str) -> Plain:
    """Return FIELDS and others of the file with this name and digest.

    Answers 404 if it is not kept here, and 403 while its project is quarantined.
    """
    file = StoredFile.objects.fields_of(filename, *FIELDS, *fields)
    if file.get("sha256") != sha256:
        abort(404)
    # An upload killed just before its end, or a deletion just after its start, left a complete file that its project
    # lists; and those of a publishing session are listed a moment before they are stored.
    is_whole = file.get("state") in (ARRIVING, STAGED, DELETING) and is_listed({"_id": filename, **file})
    if file.get("state") != STORED and not is_whole:
        abort(404)
    if Package.objects.is_quarantined(file.get("package", "")):
        abort(403, f"The project {file['package']} is quarantined, so its files are not available.")
    return file
