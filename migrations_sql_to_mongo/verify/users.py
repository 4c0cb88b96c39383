"""`users`: values that must be unique here may have been shared there."""

from typing import Any

from migrations_sql_to_mongo.layout import TABLES
from migrations_sql_to_mongo.rows import Row
from migrations_sql_to_mongo.source import Source
from migrations_sql_to_mongo.target import decoded
from migrations_sql_to_mongo.verify.context import Context
from migrations_sql_to_mongo.verify.conversions import key
from migrations_sql_to_mongo.verify.files import more_of
from migrations_sql_to_mongo.verify.findings import Expected


class Users:
    """The users expected, and those who are marked as sharing a value with somebody."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._emails_taken: list[tuple[Any, str]] = []
        self._usernames_taken: list[tuple[Any, str]] = []

    def expected(self, context: Context, _: str, row: Row, document: bytes) -> Expected:
        """Return the document expected for a row."""
        sql_id, username, name, email, hashed_password, created, login, image = row[: len(TABLES["users"])]
        username, email = context.text(username), context.text(email)
        legacy: Expected = {"sql_id": key(context.text, sql_id)}
        expected: Expected = {"_id": context.id_of("users", sql_id), "username": username or None}
        expected |= {"name": context.text(name), "email": email or None}
        folded = (email or "").strip().casefold()
        stored = decoded(document)
        if folded and "email_folded" not in stored:
            self._emails_taken.append((sql_id, folded))
            legacy["email_is_taken"] = True
            folded = ""
        if username and "username" not in stored:
            self._usernames_taken.append((sql_id, username))
            legacy["username"] = username
            expected["username"] = None
        expected |= {"email_folded": folded or None, "hashed_password": context.text(hashed_password)}
        odd: Expected = {}
        expected["created_date"] = context.date("users", "created_date", created, odd)
        expected["last_login"] = context.date("users", "last_login", login, odd)
        rights = more_of(context, "users", row, {})
        expected |= {"profile_image_url": context.text(image), "is_admin": rights.get("is_admin", False)}
        if rights.get("is_active") is False:
            expected["is_disabled"] = True
        if rights.get("is_staff"):
            legacy["is_staff"] = True
        return expected | {"legacy": legacy | odd}

    def finish(self, source: Source) -> None:
        """Check that each value marked as taken belongs to somebody else; `source` has all users."""
        context = self._context
        for column, flagged in (("email", self._emails_taken), ("username", self._usernames_taken)):
            wanted = {text for _, text in flagged}
            owners: dict[str, Any] = {}
            for row in source.rows("users") if wanted else ():
                text = row[3] if column == "email" else row[1]
                text = text.strip().casefold() if column == "email" and isinstance(text, str) else text
                if text in wanted:
                    owners.setdefault(text, row[0])
            for sql_id, text in flagged:
                if owners[text] == sql_id:
                    context.found.differs(f"users {sql_id}: {column} is nobody else's, but is marked as taken")
