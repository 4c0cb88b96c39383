"""A person with an account: collection `users`."""

import re
from typing import Self

import bson
import mongoengine as me

from webapp.documents.base import ReadingQuerySet
from webapp.extensions import db


class UserQuerySet(ReadingQuerySet):
    """The questions that the site asks about users."""

    # What the public may see of a user.
    PUBLIC = ("username", "name", "created_date", "profile_image_url")

    def public(self) -> Self:
        """Only what the public may see."""
        return self.only(*self.PUBLIC)

    def addressed(self, id_or_username: str) -> Self:
        """The user whose username or id this is; an id of the old SQL site counts as one."""
        if bson.ObjectId.is_valid(id_or_username):
            return self.filter(pk=bson.ObjectId(id_or_username))
        if re.fullmatch(r"[0-9]{1,20}", id_or_username):
            return self.filter(pk=object_id_of_sql_id(int(id_or_username)))
        return self.filter(username=id_or_username)


class User(db.Document):
    """An account. One document is about 0.4 kB."""

    id = me.ObjectIdField(primary_key=True, default=bson.ObjectId)
    username = me.StringField()  # optional, unique
    name = me.StringField()
    email = me.StringField()  # as the user wrote it
    email_folded = me.StringField()  # the form that is unique: folded case
    hashed_password = me.StringField()
    created_date = me.DateTimeField()
    last_login = me.DateTimeField()
    profile_image_url = me.StringField()
    is_admin = me.BooleanField(default=False)
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
        ],
    }

    def clean(self) -> None:
        """Keep the unique form of the address in step with the address."""
        self.email_folded = self.email.strip().casefold() if self.email else None


def object_id_of_sql_id(sql_id: int) -> bson.ObjectId:
    """Return the id that a user of the old SQL site has here: 63 -> ObjectId("000000000000000000000063").

    The decimal digits stay readable, and no id that MongoDB makes can begin with eight zeros: those are the year 1970.
    """
    return bson.ObjectId(f"{sql_id:024d}")
