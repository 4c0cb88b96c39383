"""Accounts: collection `users`."""

import hashlib
import re
from typing import Any, Self

import bson
import mongoengine as me
from pymongo.collection import Collection

from webapp.documents.base import ReadingQuerySet
from webapp.documents.second_factor import RecoveryCode, SecondFactor
from webapp.mongodb import db

# How many sessions a user can have; the oldest one ends then.
MOST_SESSIONS = 20

# How many teams a user can belong to.
MOST_TEAMS = 50
# Where a membership comes from: somebody added the user, or a group of the identity provider did.
BY_HAND, FROM_GROUPS = "hand", "groups"
# Roles in a team: owners choose its members and projects.
TEAM_OWNER, TEAM_MEMBER = "owner", "member"

# How many people get a mail about one project.
MOST_TOLD = 200

# How MongoDB compares usernames in any case: by letters and accents. Source:
# https://www.mongodb.com/docs/manual/core/index-case-insensitive/
ANY_CASE = {"locale": "en", "strength": 2}
# How many usernames that differ only in case are looked at.
MOST_ALIKE = 100

# How many members a search returns at most.
MOST_FOUND = 50

# A username is part of an address, and must not look like an id: 24 hexadecimal digits, or a number.
USERNAME = re.compile(r"(?![0-9]+\Z)(?![0-9a-fA-F]{24}\Z)[A-Za-z0-9](?:[A-Za-z0-9._-]{0,48}[A-Za-z0-9])?\Z")


class AccountQuerySet(ReadingQuerySet):
    """Queries for signing in and administration."""

    def signing_in(self, email_or_username: str) -> Self:
        """The users whom this address or username can mean, in any case: see `account_of`."""
        folded = fold(email_or_username)
        if "@" in folded:
            return self.filter(email_folded=folded)
        return self.in_any_case(email_or_username)

    def in_any_case(self, username: str) -> Self:
        """The users with this username, in any case."""
        # New usernames are lower case; migrated ones may have capitals.
        found = self.filter(username__in=list({fold(username), username.strip()}))
        return found.collation(ANY_CASE) if isinstance(self._collection, Collection) else found  # mongomock has none

    def account_of(self, email_or_username: str) -> "User | None":
        """Return the user who signs in with this address or username, in any case.

        If two usernames differ only in case, each has to be typed exactly.
        """
        found: list[User] = [User(**each) for each in self.signing_in(email_or_username).limit(MOST_ALIKE).plain()]
        as_typed = [each for each in found if each.username == email_or_username.strip()]
        return (as_typed or found)[0] if as_typed or len(found) == 1 else None

    def with_session(self, user_id: bson.ObjectId, session_id: str) -> Self:
        """This user, if the session still exists and the account is enabled."""
        return self.filter(pk=user_id, sessions__session_id=session_id, is_disabled__ne=True)

    def with_factor(self, factor_id: str) -> Self:
        """The user who has this second factor."""
        return self.filter(second_factors__factor_id=factor_id)

    def with_identity(self, issuer: str, subject: str) -> Self:
        """The user whom an identity provider means."""
        return self.filter(identity__issuer=issuer, identity__subject=subject)

    def administrators(self) -> Self:
        """The administrators who can sign in."""
        return self.filter(is_admin=True, is_disabled__ne=True)

    def of_team(self, team: str) -> Self:
        """The members of a team."""
        return self.filter(__raw__={"teams.team": team})

    def told(self, user_ids: list[bson.ObjectId], teams: list[str]) -> Self:
        """Those who are told by mail: these users and the members of these teams, MOST_TOLD at most."""
        either: list[dict[str, Any]] = [{"_id": {"$in": user_ids}}, {"teams.team": {"$in": teams}}]
        return self.filter(__raw__={"$or": either if teams else either[:1]}, is_disabled__ne=True).limit(MOST_TOLD)

    def youngest(self) -> Self:
        """All users, newest first; those of a migrated site come last."""
        return self.order_by("-pk")

    def found(self, text: str) -> Self:
        """The first users whose address or username starts with this text, whose name contains it, or with this id."""
        text = text.replace("\0", "")  # regular expressions cannot contain it
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
    """Queries for public pages."""

    # The fields of a user that are public.
    PUBLIC = ("username", "name", "created_date", "profile_image_url")

    def public(self) -> Self:
        """Only the public fields."""
        return self.only(*self.PUBLIC)

    def addressed(self, id_or_username: str) -> Self:
        """The user with this username or id; ids of the old SQL site count too, and ids come first."""
        user_id = object_id_in(id_or_username)
        return self.filter(pk=user_id) if user_id else self.filter(username=id_or_username)


class Session(me.EmbeddedDocument):
    """A browser in which a user is signed in; the last 20 are kept, about 0.3 kB each."""

    session_id = me.StringField(required=True)
    created_date = me.DateTimeField(required=True)
    expires_at = me.DateTimeField(required=True)
    confirmed_at = me.DateTimeField()  # when the password was entered again, or, at the identity provider, at all
    by_provider = me.BooleanField()  # signed in at the identity provider
    id_token = me.StringField()  # by which the provider recognizes whom to sign out; 1 to 4 kB
    ip_address = me.StringField()
    user_agent = me.StringField()


class Identity(me.EmbeddedDocument):
    """Who the user is at the identity provider, 0.2 kB. Source: OpenID Connect Core 1.0, section 5.7."""

    issuer = me.StringField(required=True)
    subject = me.StringField(required=True)
    email = me.StringField()  # what the provider said last; if it verified another one, the account's may follow
    connected_at = me.DateTimeField(required=True)


class Rehash(me.EmbeddedDocument):
    """Digests of the hash that a sign-in replaced, and of the one it stored for the same password; 0.1 kB.

    They tell `catch-up` of the move from SQL that the password itself has not changed.
    """

    before = me.StringField(required=True)  # of the first hash, if it was replaced more than once
    after = me.StringField(required=True)  # of `hashed_password`, unless the password was changed since


class Membership(me.EmbeddedDocument):
    """A team that the user belongs to; MOST_TEAMS at most, 0.1 kB each."""

    team = me.StringField(required=True)  # its name
    role = me.StringField(choices=(TEAM_OWNER, TEAM_MEMBER), default=TEAM_MEMBER)
    source = me.StringField(choices=(BY_HAND, FROM_GROUPS), default=BY_HAND)


class User(db.Document):
    """An account; about 0.4 kB, plus 0.3 kB for each session."""

    id = me.ObjectIdField(primary_key=True, default=bson.ObjectId)
    username = me.StringField()  # optional, unique, lower case
    name = me.StringField()
    email = me.StringField()  # as the user typed it
    email_folded = me.StringField()  # the unique form, with folded case
    unconfirmed_email = me.StringField()  # given at /signup; becomes `email` when it is confirmed
    hashed_password = me.StringField()
    rehashed = me.EmbeddedDocumentField(Rehash)  # where a sign-in replaced the hash
    created_date = me.DateTimeField()
    last_login = me.DateTimeField()
    profile_image_url = me.StringField()
    is_admin = me.BooleanField(default=False)
    is_admin_by_group = me.BooleanField()  # a group of the identity provider made them an administrator
    is_disabled = me.BooleanField()  # may not sign in
    sessions = me.EmbeddedDocumentListField(Session, default=None)  # at most MOST_SESSIONS
    teams = me.EmbeddedDocumentListField(Membership, default=None)  # at most MOST_TEAMS
    identity = me.EmbeddedDocumentField(Identity)  # whom the identity provider means by this user
    second_factors = me.EmbeddedDocumentListField(SecondFactor, default=None)  # at most MOST_FACTORS
    recovery_codes = me.EmbeddedDocumentListField(RecoveryCode, default=None)  # at most ten
    second_factor_due = me.DateTimeField()  # by when REQUIRE_2FA wants the user to have one
    leaving_admin = me.StringField()  # an attempt to remove this administrator: see administrators.py
    being_deleted = me.StringField()  # an attempt to delete this account: see leaving.py
    legacy = me.DictField(default=None)  # what a migration from SQL kept for the record

    meta = {
        "collection": "users",
        "queryset_class": UserQuerySet,
        "auto_create_index": False,
        "indexes": [
            # Who has this address? Partial, because a plain unique index allows only one user without an address.
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
            # Who has this username, in any case? Not unique: a migrated site may have two that differ only in case.
            {
                "fields": ["username"],
                "name": "username_in_any_case",
                "collation": ANY_CASE,
                "partialFilterExpression": {"username": {"$gt": ""}},
            },
            # Whose passkey is this? (/account/login/passkey)
            {
                "fields": ["second_factors.factor_id"],
                "name": "one_user_a_factor",
                "unique": True,
                "partialFilterExpression": {"second_factors.factor_id": {"$gt": ""}},
            },
            # Whom does the identity provider mean? (/account/oidc/callback)
            {
                "fields": ["identity.issuer", "identity.subject"],
                "name": "one_user_an_identity",
                "unique": True,
                "partialFilterExpression": {"identity.subject": {"$gt": ""}},
            },
            # Who belongs to this team? (/teams/)
            {
                "fields": ["teams.team", "_id"],
                "name": "by_team",
                "partialFilterExpression": {"teams.team": {"$gt": ""}},
            },
            # Who are the administrators? (/admin/)
            {
                "fields": ["is_admin"],
                "name": "administrators",
                "partialFilterExpression": {"is_admin": True},
            },
            # Whose name contains this text? The whole index is read, but not the documents. (/admin/users)
            {"fields": ["name"], "name": "by_name"},
        ],
    }

    def clean(self) -> None:
        """Update the unique form of the address."""
        self.email_folded = fold(self.email) if self.email else None

    @property
    def shown_name(self) -> str:
        """The name that the site shows for the user."""
        return self.name or self.username or self.email or str(self.id)

    @property
    def has_second_factor(self) -> bool:
        """Whether signing in takes more than a password."""
        return bool(self.second_factors)

    def rehashed_as(self, new_hash: str) -> Rehash:
        """Return what to store with another hash of the same password."""
        digest, known = digest_of_hash(self.hashed_password), self.rehashed
        first = known.before if known and known.before and known.after == digest else digest
        return Rehash(before=first, after=digest_of_hash(new_hash))

    # The project that a program acts for with a token of the project; such a user is not stored.
    acts_for: str | None = None
    # Whether this is a program with a token of a team or a project.
    is_program = False

    @property
    def team_names(self) -> list[str]:
        """The names of the user's teams. A program with a token of a project is a team of its own."""
        if self.acts_for:
            return [program_of(self.acts_for)]
        return [each.team for each in self.teams or [] if each.team]

    def role_in(self, team: str) -> str | None:
        """Return the user's role in a team, "owner" or "member", or None."""
        return next((each.role or TEAM_MEMBER for each in self.teams or [] if each.team == team), None)

    def words(self) -> list[str]:
        """Return the user's own words, which their password must not consist of."""
        return [word for word in (self.name, self.email, self.username) if word]


def program_of(normalized_name: str) -> str:
    """Return the name of the team that programs with a token of a project belong to. No other team can have it."""
    return f"project:{normalized_name}"


def digest_of_hash(hashed_password: str | None) -> str:
    """Return a digest by which a password hash can be recognized, but not reconstructed."""
    return hashlib.blake2b((hashed_password or "").encode(), digest_size=16).hexdigest()


def fold(text: str) -> str:
    """Return the form in which addresses and usernames are compared."""
    return text.strip().casefold()


def address_of(user_id: bson.ObjectId, username: str | None) -> str:
    """Return what identifies a user in the address of their page: the username, or the id.

    A migrated username that looks like an id is not used.
    """
    return username if username and not object_id_in(username) else str(user_id)


def object_id_in(text: str) -> bson.ObjectId | None:
    """Return the id in a text: MongoDB's, or one of the old SQL site; None for any other text."""
    if bson.ObjectId.is_valid(text):
        return bson.ObjectId(text)
    return object_id_of_sql_id(int(text)) if re.fullmatch(r"[0-9]{1,20}", text) else None


def object_id_of_sql_id(sql_id: int) -> bson.ObjectId:
    """Return the id here of a user of the old SQL site: 63 -> ObjectId("000000000000000000000063").

    The decimal digits stay readable, and no id from MongoDB starts with eight zeros, which mean the year 1970.
    """
    return bson.ObjectId(f"{sql_id:024d}")
