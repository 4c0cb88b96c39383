"""Tell others which advisories arrived or changed, about their projects and about what these require."""

import hashlib
import logging
from collections.abc import Iterator, Mapping

import bson
from flask import current_app

from webapp.documents import Advisory, JournalState, Package, User, Watcher, Webhook
from webapp.documents.base import Plain, utc_now
from webapp.documents.dependents import dependents_of
from webapp.documents.hidden import MEMBERS, hiding
from webapp.documents.webhook import ADVISORY
from webapp.members import mails
from webapp.telling.events import Event
from webapp.telling.outbox import tell_webhooks
from webapp.telling.watching import tell_watchers

log = logging.getLogger(__name__)

# More advisories than this in one import are not told one by one.
MOST = 3000
# How many projects the message of the site's webhooks names.
MOST_NAMED = 100
FIELDS = ("summary", "severity", "aliases", "affects", "record", "imported_at", "withdrawn_at")


def has_news() -> bool:
    """Tell whether advisories arrived that nobody was told of yet. What is here at first is nothing new."""
    newest = Advisory.objects.newest(1).only("imported_at").plain_first() or {}
    told_at = (JournalState.objects(pk="telling").plain_first() or {}).get("advisories_told_at")
    if told_at is None:
        JournalState.objects.raw().update_one(
            {"_id": "telling"}, {"$set": {"advisories_told_at": utc_now()}}, upsert=True
        )
        return False
    return "imported_at" in newest and newest["imported_at"] > told_at


def tell_advisories() -> None:
    """Tell everybody concerned about the advisories that arrived or changed since the last time."""
    told_at = (JournalState.objects(pk="telling").plain_first() or {})["advisories_told_at"]
    news = Advisory.objects.since(told_at).only("imported_at").limit(MOST + 1).plain()
    if len(news) > MOST:
        log.warning("more than %s advisories arrived at once; others are told of the newest only", f"{MOST:,}")
    concerned = set(Webhook.objects(kinds=ADVISORY, project_gone_at=None, is_off__ne=True).scalar("project"))
    concerned |= set(Watcher.objects.raw().distinct("projects"))
    narrowed = _narrowed()
    for each in news[:MOST] if concerned else ():
        if advisory := Advisory.objects(pk=each["id"]).only(*FIELDS).plain_first():
            events = list(events_of(advisory, concerned, narrowed))
            tell_webhooks(each for each in events if narrowed.isdisjoint(each.way) or _is_for_maintainers(each))
            tell_watchers(events)
    if news:
        values = {"advisories_told_at": news[0]["imported_at"]}
        JournalState.objects.raw().update_one({"_id": "telling"}, {"$set": values})


def events_of(advisory: Plain, concerned: set[str | None], narrowed: set[str]) -> Iterator[Event]:
    """Yield what the concerned projects and, for None, the whole site are told of an advisory.

    Of the ways that lead to a project, one that everybody may read is told, if there is any; `narrowed` are projects
    that not everybody may read.
    """
    affects = [each for each in advisory.get("affects", []) if "package" in each]
    affected = [each["package"] for each in affects]
    here = [each["_id"] for each in Package.objects.raw().find({"_id": {"$in": affected}}, {"_id": 1})]
    requiring = _requiring(advisory)
    if narrowed:
        with hiding(narrowed):
            read_by_all = Advisory.objects(pk=advisory["id"]).only("affects", "record").plain_first()
            requiring |= _requiring(read_by_all or {})
    for name in here:
        if name in concerned:
            yield _event(advisory, name, {}, is_for_site=False)
    for name, each in requiring.items():
        if name in concerned and name not in here:
            way = _way(name, requiring)
            said = {"affected": way[-1], "through": each["through"], "range": each["range"]}
            yield _event(advisory, name, said, is_for_site=False)._replace(way=way)
    if None in concerned and (here or requiring):
        named = [*here, *(name for name in requiring if name not in here)]
        data = {"projects": named[:MOST_NAMED], "project_count": len(named)}
        yield _event(advisory, affected[0], data, is_for_site=True)


def _narrowed() -> set[str]:
    """Return the projects of a site for members that not every member may read."""
    return set(Package.objects.hidden_from_some()) if current_app.config["READ_ACCESS"] == MEMBERS else set()


def _is_for_maintainers(event: Event) -> bool:
    """Tell whether everybody who maintains the project, and so may see its webhooks, may read what an event names."""
    package = Package.objects(pk=event.project).managed().plain_first() or {}
    readers = [(bson.ObjectId(), [each.get("team")]) for each in package.get("teams", [])]
    people = [each.get("user_id") for each in package.get("maintainers", [])]
    users = User.objects(pk__in=people, is_admin__ne=True).only("teams").plain()
    readers += [(user["id"], [each.get("team") for each in user.get("teams", [])]) for user in users]
    return all(set(event.way).isdisjoint(Package.objects.hidden_from(*each)) for each in readers)


def _requiring(advisory: Plain) -> dict[str, Plain]:
    """Return the packages that an advisory reaches, by name."""
    found = dependents_of(advisory.get("affects", []), advisory.get("record", {})).found
    return {each["normalized_name"]: each for each in found}


def _way(name: str, requiring: Mapping[str, Plain]) -> tuple[str, ...]:
    """Return the projects that lead from one that an advisory reaches to the affected one, which comes last."""
    found: list[str] = []
    # Two searches are joined here, and an advisory that changed in between may lead round in a circle.
    while (each := requiring.get(name)) and each["through"] not in found:
        name = each["through"]
        found.append(name)
    return tuple(found)


def _event(advisory: Plain, project: str, said: Plain, *, is_for_site: bool) -> Event:
    arrived = advisory["imported_at"]
    data = {"project": project, "advisory": advisory["id"], "severity": advisory.get("severity", "unknown"), **said}
    data |= {name: advisory[name] for name in ("summary", "aliases") if advisory.get(name)}
    if link := mails.link_to("advisories.advisory", advisory_id=advisory["id"]):
        data["url"] = link
    event_type = "advisory.withdrawn" if "withdrawn_at" in advisory else "advisory.published"
    # An id may have any characters, and that of a message may not.
    key = hashlib.sha256(f"{advisory['id']} {arrived.isoformat()} {project}".encode()).hexdigest()[:24]
    return Event(key, event_type, ADVISORY, project, arrived, data, is_for_site, not is_for_site)
