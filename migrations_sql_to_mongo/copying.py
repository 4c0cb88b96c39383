"""Turn the source's rows into a stream of encoded documents and rejects, accounting for every row.

`plan` and `run` both read this stream, so `run` does exactly what `plan` predicts.
"""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import bson

from migrations_sql_to_mongo import conversions, mapping
from migrations_sql_to_mongo import values as rules
from migrations_sql_to_mongo.batching import Encoded, TooManyRejects
from migrations_sql_to_mongo.collisions import Collisions
from migrations_sql_to_mongo.corrected_rows import Corrected
from migrations_sql_to_mongo.errors import BadValue
from migrations_sql_to_mongo.grouping import Attempt, FilesOfPackage, Group, Rows, Side
from migrations_sql_to_mongo.hashes import unverifiable
from migrations_sql_to_mongo.layout import NO_SUCH, TABLES
from migrations_sql_to_mongo.mapping import Document
from migrations_sql_to_mongo.packing import USUAL_RELEASE, Packed, TooLarge, encoded_package, usual_release
from migrations_sql_to_mongo.recognizing import Recognizer
from migrations_sql_to_mongo.row_reader import Remark, RowReader, Values
from migrations_sql_to_mongo.rows import PACKAGE_COLUMN, RELEASE_OF_DOWNLOAD, Row, key_of
from migrations_sql_to_mongo.source import Source
from migrations_sql_to_mongo.spool import Spool
from migrations_sql_to_mongo.tally import Counted, Reject, Tally, cut
from migrations_sql_to_mongo.versions import file_of, recover
from webapp.documents.package import MAX_PACKAGE_BYTES

# A table's documents go into the collection of the same name; releases and maintainers go into packages.
COLLECTIONS = ("licenses", "languages", "users", "downloads", "auditing", "packages")
REJECTS = "rejects"
NEAR_LIMIT_BYTES = MAX_PACKAGE_BYTES * 8 // 10
OnReject = Callable[[dict[str, Any]], None]
SECRET = "hashed_password"  # noqa: S105 -- the name of a column
_RIGHTS = (
    ("is_active", False, "is_active is not set: disabled, cannot sign in"),
    ("is_admin", True, "is_admin is set: an administrator of this site"),
)
_STAFF = "is_staff is set: kept under `legacy`, grants no rights"


def _known_as(sql_id: Any) -> tuple[str, str]:
    """Return a user's `_id`, and the id in the source for people; the latter twice if it cannot be an id."""
    if type(sql_id) is int and conversions.is_written_out(sql_id):  # by far the most; twice as fast as what follows
        return f"{sql_id:024}", str(sql_id)
    try:
        key = conversions.key("id", sql_id)
        return str(conversions.object_id("id", key)), rules.shown(conversions.kept_key(key))
    except BadValue:
        return rules.shown(sql_id), rules.shown(sql_id)


def _comparable(sql_id: Any) -> Any:
    """Return an id in a form that can be looked up: NaN equals nothing, not even itself."""
    return sql_id if sql_id == sql_id else "NaN"


class Copy:
    """One pass over the source. `tally` grows while `documents` is read.

    `on_reject` gets each rejected row completely; long values are cut in the documents. Raises Stopped after more than
    `max_rejects` rejected rows. With a `recognizer` documents come with the digests of their rows, and rows that it
    knows are counted as migrated, but left out.
    """

    def __init__(
        self,
        source: Source,
        tally: Tally,
        *,
        max_rejects: int | None = None,
        on_reject: OnReject | None = None,
        recognizer: Recognizer | None = None,
    ) -> None:
        self.source = source
        self._recognizer = recognizer
        self.tally = tally
        self._max_rejects, self._on_reject = max_rejects, on_reject
        self._readers = {table: RowReader(table, source.layout, source.columns.get(table)) for table in TABLES}
        releases = self._readers["releases"]
        self._has_usual_releases = not releases.has_optional and releases.has_usual_dates
        self._role_form = source.layout.form("maintainers", "is_owner")
        self._licenses: set[str] = set()
        self._rejected_users: set[Any] = set()
        # Addresses of several users, and usernames -> the first of them, as `_known_as` tells it with a space between
        self._email_owners: dict[str, str] = {}
        self._username_owners: dict[str, str] = {}
        self._shared_ids: set[str] = set()  # ids of documents that different keys of users become
        self._shared_names: set[str] = set()  # names that several packages' ids become
        self._rejects: Spool[Reject] = Spool()  # not yet passed on
        self._corrected = Corrected(source)

    def documents(self) -> Iterator[Encoded]:
        """Yield every document, and every reject."""
        self.prepare()
        yield from self._collection("licenses", lambda values, _: mapping.label_document(values))
        yield from self._collection("languages", lambda values, _: mapping.label_document(values))
        yield from self._collection("users", self._user)
        yield from self._packages()
        yield from self._collection("downloads", self._download)
        yield from self._collection("auditing", lambda values, _: mapping.audit_document(values))

    def prepare(self) -> None:
        """Count the rows, and look for values that several rows have but only one may have."""
        for table in self.source.tables:
            account = self.tally.table(table)
            account.read = account.excluded = self.source.count_left(table)
            account.found = self.source.count(table) + account.excluded
        for table in self.source.excluded:
            account = self.tally.table(table)
            account.found = account.read = account.excluded = self.source.count(table)
        if "users" in self.source.tables:
            emails, usernames, ids = Collisions(), Collisions(), Collisions()
            for number, (sql_id, username, _, email, *_) in enumerate(self.source.rows("users")):
                document_id, shown_id = _known_as(sql_id)
                known_as = f"{document_id} {shown_id}"
                emails.add(mapping.fold(email) if isinstance(email, str) else "", known_as)
                usernames.add(username if isinstance(username, str) else "", known_as)
                if document_id.startswith((conversions.TEXT_STARTS, conversions.NUMBER_STARTS)):
                    # Bytes may become the same text as another id. NaN equals nothing, so it is never found twice.
                    kind = "bytes" if isinstance(sql_id, bytes) else number if sql_id != sql_id else ""
                    ids.add(document_id, f"{kind} {shown_id}")
            self._email_owners = {email: those[0] for email, those in emails.found()}
            self._username_owners = {name: those[0] for name, those in usernames.found()}
            self._shared_ids = {document_id for document_id, those in ids.found() if len(set(those)) > 1}
        if "packages" in self.source.tables:
            names = Collisions()
            for row in self.source.ids("packages"):
                with contextlib.suppress(BadValue, TypeError):
                    names.add(mapping.package_name(row[0]), row[0])
            self._shared_names = {name for name, ids in names.found() if len(set(ids)) > 1}

    def _collection(self, table: str, convert: Callable[[Values, Row], Document]) -> Iterator[Encoded]:
        """Yield the documents of a table in which each row becomes a document."""
        if table not in self.source.tables:
            return
        account = self.tally.table(table)
        last_key: Any = None
        recognizer = self._recognizer
        if recognizer:
            owners = (self._email_owners, self._username_owners) if table == "users" else ()
            recognizer.depends_on(table, *(each.items() for each in owners), self._shared_ids if owners else ())
        for row in self.source.downloads() if table == "downloads" else self.source.rows(table):
            account.read += 1
            digest = recognizer.digest(table, [row]) if recognizer else None
            if recognizer and digest and recognizer.is_known(table, digest):
                account.migrated += 1
                last_key = row[0]
                if table == "licenses":
                    self._licenses.add(row[0])
                continue
            try:
                if row[0] == last_key and last_key is not None:
                    raise BadValue("id occurs twice")
                last_key = row[0]
                encoded = self.row(table, row, convert)
            except BadValue as error:
                self._reject(table, row, str(error))
                if table == "users":
                    self._rejected_users.add(_comparable(row[0]))
            else:
                account.migrated += 1
                if table == "licenses":
                    self._licenses.add(row[0])
                self.tally.add_document(table, encoded)
                yield Encoded(table, encoded, digest)
            yield from self._passed_on()

    def row(self, table: str, row: Row, convert: Callable[[Values, Row], Document]) -> bytes:
        """Return the encoded document of a row. Raises BadValue."""
        reader = self._readers[table]
        try:
            values = reader.read(row)
            encoded = bson.encode(convert(values, row))
        except (UnicodeEncodeError, OverflowError):
            values = reader.read(row, careful=True)
            encoded = bson.encode(convert(values, row))
        if len(encoded) > MAX_PACKAGE_BYTES:
            raise TooLarge(len(encoded), MAX_PACKAGE_BYTES)
        self._remark(table, row, values)
        return encoded

    def _user(self, values: Values, row: Row) -> Document:
        (document_id, sql_id), username, email = _known_as(row[0]), values.of[1], values.of[3]
        if document_id in self._shared_ids:
            raise BadValue("id becomes the same as another's")
        known_as = f"{document_id} {sql_id}"
        email_owner = self._email_owners.get(mapping.fold(email), known_as)
        username_owner = self._username_owners.get(username or "", known_as)
        if email_owner != known_as:
            text = "email differs from another user's only in case: both are kept, and the first one signs in with it"
            remark = Remark(text, f"{rules.shown(email)}, as user {email_owner.partition(' ')[2]}")
            values.remarks = [*values.remarks, remark]
        if username_owner != known_as:
            text = "username is another user's: kept under `legacy`"
            remark = Remark(text, f"{rules.shown(username)}, as user {username_owner.partition(' ')[2]}")
            values.remarks = [*values.remarks, remark]
        if (stored_hash := values.of[4]) and (scheme := unverifiable(stored_hash)):
            text = f"hashed_password cannot be verified here ({scheme}): a new password by mail"
            values.remarks = [*values.remarks, Remark(text, rules.shown(email or username or sql_id))]
        for name, wanted, text in _RIGHTS:
            if values.more.get(name) is wanted:
                values.remarks = [*values.remarks, Remark(text, rules.shown(email or username or sql_id))]
        if values.more.get("is_staff") and not values.more.get("is_admin"):
            values.remarks = [*values.remarks, Remark(_STAFF, rules.shown(email or username or sql_id))]
        return mapping.user_document(
            values, email_is_taken=email_owner != known_as, username_is_taken=username_owner != known_as
        )

    def _download(self, values: Values, row: Row) -> Document:
        package_id, url, *numbers, version, filename = row[-len(RELEASE_OF_DOWNLOAD) :]
        if isinstance(package_id, str) and isinstance(url, str | None) and not (isinstance(version, str) and version):
            file = (file_of(filename) if isinstance(filename, str) else None) or file_of(url)
            version = recover(package_id, file, *[n if isinstance(n, int) else None for n in numbers])
        return mapping.download_document(values, version.strip() if isinstance(version, str) else None)

    def _packages(self) -> Iterator[Encoded]:
        """Yield the packages, in one pass over three tables in the order of the packages' ids."""
        if not {"packages", *PACKAGE_COLUMN} & {*self.source.tables}:
            return
        tables = [table for table in ("packages", *PACKAGE_COLUMN) if table in self.source.tables]
        # All are asked for before the first is read, see `by_package`.
        streams = {table: self.source.by_package(table) for table in tables}
        sides = {table: Side(streams.get(table, iter(())), column) for table, column in PACKAGE_COLUMN.items()}
        last_key: Any = None
        recognizer = self._recognizer
        if recognizer:
            recognizer.depends_on("packages", self._licenses, self._rejected_users, self._shared_names)
        for row in streams.get("packages", ()):
            key = row[0]
            for table, side in sides.items():
                yield from self._orphans(table, side.before(key))
            again = key == last_key and key is not None
            last_key = key
            group = Group(row, *(sides[table].of(key) for table in ("releases", "maintainers", "files")))
            digest = recognizer.digest("packages", [row], *group[1:]) if recognizer and not group.is_large else None
            if recognizer and digest and recognizer.is_known("packages", digest):
                self._count_known(group)
                continue
            encoded = self.package(group, "id occurs twice" if again else None)
            if encoded is not None:
                self.tally.add_document("packages", encoded)
                yield Encoded("packages", encoded, None if self._rejects else digest)
            yield from self._passed_on()
        for table, side in sides.items():
            yield from self._orphans(table, side.rest())

    def _count_known(self, group: Group) -> None:
        for table, rows in (("packages", [group.package]), *group.children):
            if rows:
                account = self.tally.table(table)
                account.read += len(rows)
                account.migrated += len(rows)

    def _orphans(self, table: str, rows: Iterator[Row]) -> Iterator[Encoded]:
        for row in rows:
            self.tally.table(table).read += 1
            reason = self.source.layout.no_such("package")
            if row[PACKAGE_COLUMN[table]] is None:
                reason = self.source.layout.no_such("release") if table == "files" else "package_id is NULL"
            self._reject(table, row, reason)
            yield from self._passed_on()

    def package(self, group: Group, refused: str | None = None) -> bytes | None:
        """Return the encoded document of a package, or None if it was rejected together with everything in it."""
        row = group.package
        for table, rows in (("packages", [row]), *group.children):
            if rows:
                self.tally.table(table).read += len(rows)
        attempt = Attempt()
        try:
            if refused:
                raise BadValue(refused)
            try:
                encoded = self._encode_package(group, attempt, careful=False)
            except (UnicodeEncodeError, OverflowError):
                attempt = Attempt()
                encoded = self._encode_package(group, attempt, careful=True)
            if len(encoded) > MAX_PACKAGE_BYTES:
                raise TooLarge(len(encoded), MAX_PACKAGE_BYTES)
        except BadValue as error:
            if isinstance(error, TooLarge):
                self.tally.add_large(str(row[0]), error.size_bytes)
            self._reject_package(group, str(error))
            return None
        if len(encoded) > NEAR_LIMIT_BYTES:
            self.tally.add_large(str(row[0]), len(encoded))
        for table, rows in (("packages", [row]), *group.children):
            if rows:
                self.tally.table(table).migrated += len(rows)
        for table, rejected, reason in attempt.rejects:
            self.tally.table(table).migrated -= 1
            self._reject(table, rejected, reason)
        for table, kept, values in attempt.remarks:
            self._remark(table, kept, values)
        if row[3]:
            self.tally.descriptions += 1
        return encoded

    def _reject_package(self, group: Group, reason: str) -> None:
        self._reject("packages", group.package, reason)
        for table, rows in group.children:
            for each in rows:
                self._reject(table, each, "its package is rejected")

    def _encode_package(self, group: Group, attempt: "Attempt", *, careful: bool) -> bytes:
        row, release_rows, maintainer_rows, file_rows = group
        reader = self._readers["packages"]
        values = reader.read(row, careful=careful)
        if mapping.package_name(values.of[0]) in self._shared_names:
            raise BadValue("id becomes the same name as another's")
        owner = self._owner(row, values) if values.more.get("owner_id") is not None else None
        if values.remarks:
            attempt.remarks.append(("packages", row, values))
        files = FilesOfPackage(file_rows, self._readers["files"], attempt) if file_rows else None
        releases = self._releases(release_rows, files, attempt, careful=careful)
        if files:
            files.reject_others(self.source.layout.no_such("release"))
        maintainers = self._maintainers(maintainer_rows, owner, attempt)
        return encoded_package(mapping.package_document(values, releases, maintainers, self._licenses))

    def _releases(
        self, rows: Rows, files: "FilesOfPackage | None", attempt: Attempt, *, careful: bool
    ) -> list[Document]:
        read, found = self._readers["releases"].read, Packed()
        may_be_usual = self._has_usual_releases and not files and not careful
        for row in rows:
            if may_be_usual and tuple(map(type, row)) == USUAL_RELEASE and (usual := usual_release(row)):
                found.add_encoded(usual)
                continue
            try:
                values = read(row, careful=careful)
                found.add(mapping.release_document(values, *(files.of(row[0], careful=careful) if files else ())))
            except BadValue as error:
                attempt.rejects.append(("releases", row, str(error)))
                if files:
                    files.reject(row[0], "its release is rejected")
            else:
                size = values.of[7]
                if values.remarks or (size is not None and size < 0):
                    attempt.remarks.append(("releases", row, values))
        return found.complete()

    def _owner(self, row: Row, values: Values) -> Document | None:
        """Return the owner in a package's own row. One who is not moved is kept under `legacy`."""
        known_id, name = row[-2:]
        if known_id is None or _comparable(known_id) in self._rejected_users:
            kept = conversions.kept_key(values.more["owner_id"])
            values.odd = {**(values.odd or {}), "owner_id": kept}
            text = "owner_id leads to no user that is moved: left out, kept under `legacy`"
            values.remarks = [*values.remarks, Remark(text, rules.shown(kept))]
            return None
        name = rules.text("name", name, self.source.layout.encoding)
        return mapping.maintainer_document(known_id, name, is_owner=True)

    def _maintainers(self, rows: Rows, owner: Document | None, attempt: Attempt) -> list[Document]:
        found = [owner] if owner else []
        seen: set[Any] = set()
        encoding = self.source.layout.encoding
        role = [*self._readers["maintainers"].columns].index("is_owner") if self._knows_roles else None
        for row in rows:
            *_, known_id, name = row
            try:
                if known_id is None:
                    raise BadValue(self.source.layout.no_such("user"))
                if _comparable(known_id) in self._rejected_users:
                    raise BadValue("its user is rejected")
                if known_id in seen:
                    raise BadValue("the same user twice")
                is_owner = role is not None and conversions.flag("is_owner", row[role], self._role_form)
                document = mapping.maintainer_document(known_id, rules.text("name", name, encoding), is_owner=is_owner)
                seen.add(known_id)
            except BadValue as error:
                attempt.rejects.append(("maintainers", row, str(error)))
                continue
            # The owner may be listed among the maintainers too.
            if not owner or document["user_id"] != owner["user_id"]:
                found.append(document)
        return found

    @property
    def _knows_roles(self) -> bool:
        return "is_owner" in self._readers["maintainers"].columns

    def _remark(self, table: str, row: Row, values: Values) -> None:
        account = self.tally.table(table)
        for text, example in values.remarks:
            account.remark(text, f"{rules.shown(row[0])}: {example}")
        if table == "releases" and (size := values.of[7]) is not None and size < 0:
            account.remark("size is negative: kept", f"{row[0]}: {size}")

    def _reject(self, table: str, row: Row, reason: str) -> None:
        account = self.tally.table(table)
        account.rejected += 1
        named = self._readers[table].as_dict(row)
        column = reason.partition(" ")[0]
        if reason.startswith(NO_SUCH) and table in ("releases", "files"):
            column = f"{reason.removeprefix(NO_SUCH).partition(',')[0]}_id"
        value = named.get(column) if column != SECRET else None
        detail = "" if value is None else rules.shown(value)
        corrects = self._corrected.replaced(table, row)
        reject = Reject(table, account.rejected, key_of(table, row), reason, named, detail, corrects)
        account.reasons.setdefault(reason, Counted()).add(reject.example)
        self._rejects.append(reject)

    def _passed_on(self) -> Iterator[Encoded]:
        if not self._rejects:
            return
        for last in self._rejects:
            whole = last.as_dict()
            if self._on_reject:
                self._on_reject(whole)
            yield Encoded(REJECTS, bson.encode(cut(whole)))
        self._rejects.clear()
        if self._max_rejects is not None and self.tally.rejected > self._max_rejects:
            raise TooManyRejects(
                f"{last.table} {last.key}: {last.reason}; "
                + (f"only {self._max_rejects} rejects are allowed" if self._max_rejects else "no reject is allowed")
            )
