"""Tell others which advisories arrived or changed, about their projects and about what these require."""

import hashlib
import logging
from collections.abc import Iterator, Mapping

from webapp.documents import Advisory, JournalState, Package, Watcher, Webhook
from webapp.documents.base import Plain, utc_now
from webapp.documents.dependents import dependents_of
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
    for each in news[:MOST] if concerned else ():
        if advisory := Advisory.objects(pk=each["id"]).only(*FIELDS).plain_first():
            events = list(events_of(advisory, concerned))
            tell_webhooks(events)
            tell_watchers(events)
    if news:
        values = {"advisories_told_at": news[0]["imported_at"]}
        JournalState.objects.raw().update_one({"_id": "telling"}, {"$set": values})


def events_of(advisory: Plain, concerned: set[str | None]) -> Iterator[Event]:
    """Yield what the concerned projects and, for None, the whole site are told of an advisory."""
    affects = [each for each in advisory.get("affects", []) if "package" in each]
    affected = [each["package"] for each in affects]
    here = [each["_id"] for each in Package.objects.raw().find({"_id": {"$in": affected}}, {"_id": 1})]
    requiring = {each["normalized_name"]: each for each in dependents_of(affects, advisory.get("record", {})).found}
    for name in here:
        if name in concerned:
            yield _event(advisory, name, {}, is_for_site=False)
    for name, each in requiring.items():
        if name in concerned and name not in here:
            said = {"affected": _way(name, requiring)[-1], "through": each["through"], "range": each["range"]}
            yield _event(advisory, name, said, is_for_site=False)
    if None in concerned and (here or requiring):
        named = [*here, *(name for name in requiring if name not in here)]
        data = {"projects": named[:MOST_NAMED], "project_count": len(named)}
        yield _event(advisory, affected[0], data, is_for_site=True)


def _way(name: str, requiring: Mapping[str, Plain]) -> list[str]:
    """Return the projects that lead from one that an advisory reaches to the affected one, which comes last."""
    found = []
    while each := requiring.get(name):
        name = each["through"]
        found.append(name)
    return found


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
