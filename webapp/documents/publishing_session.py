"""Releases that are being prepared: collection `publishing_sessions`."""

import hashlib
import secrets
from datetime import datetime, timedelta
from typing import Self

import bson
import mongoengine as me
from packaging.utils import NormalizedName

from webapp.documents.base import Plain, utc_now
from webapp.documents.hidden import ShownQuerySet
from webapp.documents.release import ReleaseFile
from webapp.mongodb import db
from webapp.rules import naming

OPEN, PUBLISHING, PUBLISHED, CANCELED = "open", "publishing", "published", "canceled"
# The states of a session that reserves its version and the names of its files.
LIVE = (OPEN, PUBLISHING)
STATES = (*LIVE, PUBLISHED, CANCELED)

# The states of a file in a session. One whose checks failed can only be removed.
PENDING, COMPLETED, ERROR = "pending", "completed", "error"

LIFETIME = timedelta(days=7)
# A session can be extended until this long from now, any number of times.
LONGEST = timedelta(days=30)
# How long a session that has ended still tells how it ended.
REMEMBERED = timedelta(days=7)
MOST_FILES = 500
# What the site writes in every session. One that lacks any of it cannot be used.
NEEDED = ("package", "version", "stage_token", "created_at", "expires_at")


class SessionQuerySet(ShownQuerySet):
    """Queries for publishing sessions."""

    NAMED_IN = "package"

    def of_project(self, normalized_name: NormalizedName) -> Self:
        """The sessions of a project, newest first."""
        return self.filter(package=normalized_name).order_by("-created_at")

    def live_of_project(self, normalized_name: NormalizedName) -> Self:
        """The sessions of a project that have neither ended nor expired, newest first."""
        return self.of_project(normalized_name).filter(state__in=LIVE, expires_at__gt=utc_now())

    def live_of_account(self, user_id: bson.ObjectId) -> Self:
        """The sessions that this user opened and that have neither ended nor expired, newest first."""
        live = self.filter(created_by=user_id, state__in=LIVE, expires_at__gt=utc_now())
        return live.order_by("-created_at")

    def with_stage_token(self, token: str) -> Self:
        """The session whose stage has this address."""
        return self.filter(stage_token=token)


class SessionFile(me.EmbeddedDocument):
    """A file of a session; 0.9 kB, 500 at most. Its metadata is in `files`, and its bytes in `contents`."""

    filename = me.StringField(required=True)
    state = me.StringField(choices=(PENDING, COMPLETED, ERROR), required=True)
    problem = me.StringField()  # why its checks failed
    file = me.EmbeddedDocumentField(ReleaseFile)  # what the package will list
    uploaded_by = me.ObjectIdField()  # who sent it, or completed it
    senders = me.ListField(me.ObjectIdField(), default=None)  # everybody who had a part in what it is
    # While pending:
    attempt = me.StringField()  # which upload it is
    replacement = me.EmbeddedDocumentField(ReleaseFile)  # what the package will list if that upload succeeds
    announced = me.DictField(default=None)  # its size and digests, as they were announced (PEP 694)
    content_id = me.ObjectIdField()  # the bytes that have arrived
    attestations = me.StringField()  # the ones that have arrived, a JSON array

    @property
    def as_arrived(self) -> Plain:
        """Return what finds this pending entry only as long as nothing else arrives for it."""
        names = ("filename", "state", "attempt", "content_id", "attestations")
        return {name: getattr(self, name) for name in names}


class PublishingSession(db.Document):
    """A release that is being prepared: only its stage shows it until it is published. 0.5 kB and its files."""

    id = me.ObjectIdField(primary_key=True, default=bson.ObjectId)
    package = me.StringField(required=True)  # normalized name; the project need not exist yet
    name = me.StringField()  # as it was written when the session was opened
    version = me.StringField(required=True)
    live_key = me.StringField()  # project and version; only while it is live
    state = me.StringField(choices=STATES, required=True)
    stage_token = me.StringField()  # the secret part of the stage's address
    created_at = me.DateTimeField()
    created_by = me.ObjectIdField()
    creator = me.StringField()  # the name of that member
    expires_at = me.DateTimeField()
    files = me.EmbeddedDocumentListField(SessionFile)
    attempt = me.StringField()  # while publishing: which attempt it is ...
    alive_at = me.DateTimeField()  # ... and its last sign of life
    ended_at = me.DateTimeField()
    ended_by = me.StringField()  # the name of the member who published or cancelled it
    forget_at = me.DateTimeField()  # when MongoDB removes a session that has ended

    meta = {
        "collection": "publishing_sessions",
        "queryset_class": SessionQuerySet,
        "auto_create_index": False,
        "indexes": [
            # Is there a live session of this version?
            {
                "fields": ["live_key"],
                "name": "one_live_session_a_version",
                "unique": True,
                "partialFilterExpression": {"live_key": {"$gt": ""}},
            },
            # Which sessions does this project have? (/manage/<name>/sessions)
            {"fields": ["package", "-created_at"], "name": "by_package"},
            # How many sessions does this member have?
            {"fields": ["created_by", "-created_at"], "name": "by_account"},
            # Which session has this stage? (/stage/)
            {"fields": ["stage_token"], "name": "by_stage"},
            # Whose are these bytes? (flask files clean)
            {
                "fields": ["files.content_id"],
                "name": "by_contents",
                "partialFilterExpression": {"files.content_id": {"$exists": True}},
            },
            # Which sessions have ended some time ago? MongoDB itself asks this once a minute.
            {"fields": ["forget_at"], "name": "end_of_keeping", "expireAfterSeconds": 0},
        ],
    }

    @classmethod
    def bytes_of_pending(cls, content_ids: list[bson.ObjectId]) -> set[bson.ObjectId]:
        """Return which of these bytes belong to files that have not been completed."""
        which = {"files.content_id": {"$in": content_ids}}
        found = cls.objects.raw().find(which, {"files.content_id": 1})
        return {file["content_id"] for son in found for file in son.get("files", []) if "content_id" in file}

    @property
    def is_live(self) -> bool:
        """Tell whether it has neither ended nor expired."""
        return self.state == PUBLISHING or self.is_open

    @property
    def is_open(self) -> bool:
        """Tell whether its files may be changed."""
        return self.state == OPEN and bool(self.expires_at and self.expires_at > utc_now())

    @property
    def fingerprint(self) -> str:
        """Return a digest of its files, which is another one as soon as one of them is.

        It covers all that the package will list: who signed and sent a file as well as its bytes. The time of the
        upload is part of that, so the same bytes that were sent again, with other attestations, are another file.
        """
        listed = [
            {"filename": each.filename, "state": each.state, "file": each.file.to_mongo() if each.file else None}
            for each in sorted(self.files, key=lambda each: str(each.filename))
        ]
        return hashlib.sha256(bson.encode({"files": listed})).hexdigest()

    @property
    def missing(self) -> list[str]:
        """Return the names of needed fields that it lacks, or that have another type: an edit by hand damaged it."""
        names = [name for name in NEEDED if not getattr(self, name)]
        return names if all(each.filename for each in self.files) else [*names, "files.filename"]

    @property
    def was_edited(self) -> bool:
        """Tell whether an edit by hand left it so that it has to end: the site leaves none so.

        It lacks a needed field, its state is unknown, or it has ended although it reserves its version.
        """
        return self.state not in STATES or bool(self.missing if self.state in LIVE else self.live_key)

    @property
    def shown_state(self) -> str:
        """Return its state in a word."""
        return "expired" if self.state == OPEN and not self.is_open else str(self.state)

    def file(self, filename: str) -> SessionFile | None:
        """Return the file of this name, or None."""
        return next((each for each in self.files if each.filename == filename), None)

    @property
    def has_pending(self) -> bool:
        """Tell whether one of its files has not arrived completely."""
        return any(each.state != COMPLETED for each in self.files)


def live_key_of(normalized_name: NormalizedName, version: str) -> str:
    """Return what all live sessions of this version have in common, however it is spelled."""
    return f"{normalized_name}/{naming.sort_key(version)}"


def new_stage_token() -> str:
    """Return a secret that nobody can guess."""
    return secrets.token_urlsafe(24)


def until(now: datetime, seconds: int) -> datetime:
    """Return when a session that is extended by this many seconds expires, in whole seconds."""
    wanted = timedelta(seconds=max(0, min(seconds, int(LONGEST.total_seconds()))))
    return (now + wanted).replace(microsecond=0)
