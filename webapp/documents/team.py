"""Teams, which own and maintain projects together: collection `teams`. Each user's document lists their teams."""

import re
from typing import Self

import bson
import mongoengine as me

from webapp.documents.base import ReadingQuerySet
from webapp.documents.invitation import INDEXES, Invitation, to_account
from webapp.mongodb import db

MOST_GROUPS = 20
MAX_TITLE_LENGTH = 100

# A team's name is part of the address of its page.
TEAM_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,48}[a-z0-9])?\Z")


class TeamQuerySet(ReadingQuerySet):
    """Queries for teams."""

    def in_order(self) -> Self:
        """All teams, by name."""
        return self.order_by("pk")

    def inviting(self, user_id: bson.ObjectId, email_folded: str | None) -> Self:
        """The teams that invite this account or this address."""
        return self.filter(__raw__=to_account(user_id, email_folded))

    def with_groups(self, groups: list[str]) -> Self:
        """The teams whose members come from one of these groups of the identity provider."""
        return self.filter(groups__in=groups)


class Team(db.Document):
    """A team, without its members; 0.2 kB and its invitations, a few dozen."""

    name = me.StringField(primary_key=True)  # in addresses: "payments"
    title = me.StringField()  # as people read it: "Payments"
    # The groups of the identity provider whose members belong to it, MOST_GROUPS at most.
    groups = me.ListField(me.StringField(), default=None)
    created_date = me.DateTimeField()
    invitations = me.EmbeddedDocumentListField(Invitation, default=None)  # 50 at most
    being_deleted = me.StringField()  # an attempt to delete this team: see changes/teams.py

    meta = {
        "collection": "teams",
        "queryset_class": TeamQuerySet,
        "auto_create_index": False,
        "indexes": [
            *INDEXES,
            # Which teams get their members from these groups?
            {"fields": ["groups"], "name": "by_group", "partialFilterExpression": {"groups": {"$gt": ""}}},
        ],
    }

    @property
    def shown_name(self) -> str:
        """The name that the site shows for the team."""
        return self.title or self.name
