"""A person with an account: collection `users`."""

import re
from typing import Any, Self

import bson
import mongoengine as me
from pymongo.collection import Collection

from webapp.documents.base import ReadingQuerySet
from webapp.mongodb import db

# A user is signed in in so many browsers at most; the oldest session ends then.
MOST_SESSIONS = 20

# How MongoDB compares usernames in any case: by letters and accents.
# Source: https://www.mongodb.com/docs/manual/core/index-case-insensitive/
ANY_CASE = {"locale": "en", "strength": 2}
# Usernames that differ by case alone are at most so many to look at.
MOST_ALIKE = 100

# What a search for members gives at most.
MOST_FOUND = 50

# A username is a part of an address, and must not look like an id: 24 digits in base 16, or a number.
USERNAME = re.compile(r"(?![0-9]+\Z)(?![0-9a-fA-F]{24}\Z)[A-Za-z0-9](?:[A-Za-z0-9._-]{0,48}[A-Za-z0-9])?\Z")


class AccountQuerySet(ReadingQuerySet):
    """The questions that signing in and administration ask about users."""

    def signing_in(self, email_or_username: str) -> Self:
        """The users whom this address or username can mean, in whatever case it is typed: see `account_of`."""
        folded = fold(email_or_username)
        if "@" in folded:
            return self.filter(email_folded=folded)
        return self.in_any_case(email_or_username)

    def in_any_case(self, username: str) -> Self:
        """The users who have this username, or one that differs from it by case alone."""
        # Usernames are registered in small letters; those that came from elsewhere may have others.
        found = self.filter(username__in=list({fold(username), username.strip()}))
        return found.collation(ANY_CASE) if isinstance(self._collection, Collection) else found  # mongomock has none

    def account_of(self, email_or_username: str) -> "User | None":
        """Return the user who signs in with this address or username, in whatever case it is typed.

        Where two usernames differ by case alone, each is meant only when it is typed as it is written.
        """
        found: list[User] = [User(**each) for each in self.signing_in(email_or_username).limit(MOST_ALIKE).plain()]
        as_typed = [each for each in found if each.username == email_or_username.strip()]
        return (as_typed or found)[0] if as_typed or len(found) == 1 else None

    def with_session(self, user_id: bson.ObjectId, session_id: str) -> Self:
        """This user, if this session of theirs still stands and nobody disabled them."""
        return self.filter(pk=user_id, sessions__session_id=session_id, is_disabled__ne=True)

    def administrators(self) -> Self:
        """The administrators who can sign in."""
        return self.filter(is_admin=True, is_disabled__ne=True)

    def youngest(self) -> Self:
        """All users, those who came last first; those of an old site come after them."""
        return self.order_by("-pk")

    def found(self, text: str) -> Self:
        """The first users whose address or username begins so, whose name contains this text, or whose id it is."""
        text = text.replace("\0", "")  # a regular expression cannot hold one
        folded = fold(text)
        begins = {"$gte": folded, "$lt": folded + "\uffff"}
        ways: list[dict[str, Any]] = [
            {"email_folded": begins},
            {"username": begins},
            {"name": {"$regex": re.escape(text.strip()), "$options": "i"}},
        ]
        if bson.ObjectId.is_valid(text.strip()):
            ways.append({"_id": bson.ObjectId(text.strip())})
        return self.filter(__raw__={"$or": ways}).limit(MOST_FOUND)


class UserQuerySet(AccountQuerySet):
    """The questions that the public pages ask about users."""

    # What the public may see of a user.
    PUBLIC = ("username", "name", "created_date", "profile_image_url")

    def public(self) -> Self:
        """Only what the public may see."""
        return self.only(*self.PUBLIC)

    def addressed(self, id_or_username: str) -> Self:
        """The user whose username or id this is; an id of the old SQL site counts as one, and ids come first."""
        user_id = object_id_in(id_or_username)
        return self.filter(pk=user_id) if user_id else self.filter(username=id_or_username)


class Session(me.EmbeddedDocument):
    """One browser in which a user is signed in; the last 20 of them are kept, each about 0.3 kB."""

    session_id = me.StringField(required=True)
    created_date = me.DateTimeField(required=True)
    expires_at = me.DateTimeField(required=True)
    confirmed_at = me.DateTimeField()  # when the password was typed once more
    ip_address = me.StringField()
    user_agent = me.StringField()


class User(db.Document):
    """An account. One document is about 0.4 kB, and 0.3 kB for each browser in which its owner is signed in."""

    id = me.ObjectIdField(primary_key=True, default=bson.ObjectId)
    username = me.StringField()  # optional, unique, in small letters
    name = me.StringField()
    email = me.StringField()  # as the user wrote it
    email_folded = me.StringField()  # the form that is unique: folded case
    unconfirmed_email = me.StringField()  # given at /signup; the link in a mail makes it `email`
    hashed_password = me.StringField()
    created_date = me.DateTimeField()
    last_login = me.DateTimeField()
    profile_image_url = me.StringField()
    is_admin = me.BooleanField(default=False)
    is_disabled = me.BooleanField()  # may not sign in
    sessions = me.EmbeddedDocumentListField(Session, default=None)  # at most MOST_SESSIONS
    leaving_admin = me.StringField()  # an attempt to end being an administrator: see administrators.py
    legacy = me.DictField(default=None)  # what an SQL move kept for the record

    meta = {
        "collection": "users",
        "queryset_class": UserQuerySet,
        "auto_create_index": False,
        "indexes": [
            # Who has this address? Partial, because a plain unique index accepts only one user without an address.
            {
                "fields": ["email_folded"],
                "name": "one_user_an_email",
                "unique": True,
                "partialFilterExpression": {"email_folded": {"$gt": ""}},
            },
            # Who has this username? Unique in the same way. (/user/)
            {
                "fields": ["username"],
                "name": "one_user_a_username",
                "unique": True,
                "partialFilterExpression": {"username": {"$gt": ""}},
            },
            # Who has this username, in whatever case? Not unique: an old site may have two that differ by case alone.
            {
                "fields": ["username"],
                "name": "username_in_any_case",
                "collation": ANY_CASE,
                "partialFilterExpression": {"username": {"$gt": ""}},
            },
            # Who are the administrators? (/admin/)
            {
                "fields": ["is_admin"],
                "name": "administrators",
                "partialFilterExpression": {"is_admin": True},
            },
            # Whose name contains this text? The index is read from end to end, but not the documents. (/admin/users)
            {"fields": ["name"], "name": "by_name"},
        ],
    }

    def clean(self) -> None:
        """Keep the unique form of the address in step with the address."""
        self.email_folded = fold(self.email) if self.email else None

    @property
    def shown_name(self) -> str:
        """What the site calls the user."""
        return self.name or self.username or self.email or str(self.id)

    def words(self) -> list[str]:
        """Return the user's own words, which their password must not be made of."""
        return [word for word in (self.name, self.email, self.username) if word]


def fold(text: str) -> str:
    """Return the form in which addresses and usernames are compared."""
    return text.strip().casefold()


def address_of(user_id: bson.ObjectId, username: str | None) -> str:
    """Return what stands for a user in the address of their page: the username, or the id.

    A username that came from elsewhere and could be taken for somebody's id leads nowhere.
    """
    return username if username and not object_id_in(username) else str(user_id)


def object_id_in(text: str) -> bson.ObjectId | None:
    """Return the id that a text is: one of MongoDB's, or one of the old SQL site's; None for any other text."""
    if bson.ObjectId.is_valid(text):
        return bson.ObjectId(text)
    return object_id_of_sql_id(int(text)) if re.fullmatch(r"[0-9]{1,20}", text) else None


def object_id_of_sql_id(sql_id: int) -> bson.ObjectId:
    """Return the id that a user of the old SQL site has here: 63 -> ObjectId("000000000000000000000063").

    The decimal digits stay readable, and no id that MongoDB makes can begin with eight zeros: those are the year 1970.
    """
    return bson.ObjectId(f"{sql_id:024d}")
