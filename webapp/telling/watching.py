"""Tell people what happens to the projects that they watch: in a feed of their own, and by mail."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from flask import current_app
from pymongo import ReturnDocument

from webapp.documents import Package, User, Watcher
from webapp.documents.base import Plain, ahead, as_declared, utc_now
from webapp.documents.hidden import MEMBERS
from webapp.documents.watcher import AT_ONCE, DAILY, MOST_NEWS
from webapp.documents.webhook import ROLE
from webapp.members import mails
from webapp.telling.events import Event

A_DAY = timedelta(days=1)
CLAIM = timedelta(minutes=2)
# When a mail server does not answer.
LATER = timedelta(minutes=10)

_TEXTS = {
    "release.published": "{project} {version} was released.",
    "release.yanked": "{project} {version} was yanked: {reason}",
    "release.unyanked": "{project} {version} is no longer yanked.",
    "release.deleted": "{project} {version} was deleted.",
    "project.deleted": "{project} was deleted.",
    "project.status_changed": "{project} is now {status}.",
    "project.quarantine_ended": "{project} is no longer in quarantine.",
    "advisory.published": "{advisory} ({severity}) affects {touched}.",
    "advisory.withdrawn": "{advisory}, about {touched}, was withdrawn.",
}


def tell_watchers(events: Iterable[Event]) -> None:
    """Note events for those who watch their projects, once for each, and when their next mail is due."""
    wanted = [event for event in events if event.is_for_project and event.kind != ROLE and event.type in _TEXTS]
    names = {event.project for event in wanted}
    for watcher in Watcher.objects.of(names).only("projects", "mail").plain() if names else ():
        for event in wanted:
            if event.project in watcher.get("projects", []):
                _note(watcher, event)


def text_of(event: Event) -> str:
    """Return what happened, in a sentence."""
    touched, affected, through = event.project, event.data.get("affected"), event.data.get("through")
    if affected:
        touched = f"{affected}, which {event.project} requires" + (f" through {through}" if through != affected else "")
    known = {"version": "", "reason": "no reason given", "touched": touched} | event.data
    return _TEXTS[event.type].format(**known)


def mail_next() -> bool:
    """Send a mail that is due; False if there is none."""
    now = utc_now()
    due = {"mail_at": {"$lte": now}, "claimed_until": {"$not": ahead(CLAIM)}}
    claim = {"$set": {"claimed_until": now + CLAIM}}
    found = Watcher.objects.raw().find_one_and_update(due, claim, return_document=ReturnDocument.AFTER)
    if found is None:
        return False
    watcher = as_declared(Watcher, found)
    user = User.objects(pk=watcher["user_id"]).declared_first()
    news = _unmailed(watcher)
    shown = shown_to(user, news) if user else []
    done: Plain = {"$unset": {"mail_at": "", "claimed_until": ""}}
    if news:
        done["$set"] = {"mailed_until": news[-1]["arrived_at"]}
    if shown and user and user.email and not _mailed(user, shown):
        done = {"$set": {"mail_at": utc_now() + LATER}, "$unset": {"claimed_until": ""}}
    Watcher.objects.raw().update_one({"_id": watcher["user_id"]}, done)
    _wake_for_late_ones(watcher["user_id"])
    return True


def shown_to(user: User, news: list[Plain]) -> list[Plain]:
    """Return what a user may read of this, the newest first; nothing if the account is disabled."""
    if user.is_disabled:
        return []
    hidden: set[str] = set()
    if current_app.config["READ_ACCESS"] == MEMBERS and not user.is_admin:
        hidden = set(Package.objects.hidden_from(user.id, user.team_names))
    return [each for each in reversed(news) if hidden.isdisjoint([each.get("project"), *each.get("way", [])])]


def _note(watcher: Plain, event: Event) -> None:
    now = utc_now()
    item: Plain = {
        "key": event.key,
        "project": event.project,
        "text": text_of(event),
        "at": event.at,
        "arrived_at": now,
    }
    if event.way:
        item["way"] = list(event.way)
    if "url" in event.data:
        item["link"] = event.data["url"]
    change: dict[str, Any] = {"$push": {"news": {"$each": [item], "$slice": -MOST_NEWS}}}
    mail = watcher.get("mail")
    if mail in (AT_ONCE, DAILY):
        change["$min"] = {"mail_at": now if mail == AT_ONCE else now + A_DAY}
    Watcher.objects.change_lists({"_id": watcher["user_id"], "news.key": {"$ne": event.key}}, change)


def _mailed(user: User, news: list[Plain]) -> bool:
    count = len(news)
    subject = news[0].get("text", "").rstrip(".")[:100] if count == 1 else f"{count} updates on projects you watch"
    context = {"name": user.shown_name, "news": news, "settings": mails.link_to("accounts.watching")}
    return mails.send("watching", user.email, subject, **context)


def _unmailed(watcher: Plain) -> list[Plain]:
    """Return the news that arrived after those of the last mail.

    They are in the order in which they arrived, which holds even if the clock was ahead when they were mailed.
    """
    news = [each for each in watcher.get("news", []) if "arrived_at" in each]
    until = watcher.get("mailed_until")
    mailed = [number for number, each in enumerate(news, 1) if each["arrived_at"] == until]
    return news[max(mailed) :] if mailed else [each for each in news if until is None or each["arrived_at"] > until]


def _wake_for_late_ones(user_id: Any) -> None:
    """Let what arrived while a mail was sent be mailed as well."""
    watcher = Watcher.objects(pk=user_id).plain_first() or {}
    mail = watcher.get("mail")
    if _unmailed(watcher) and mail in (AT_ONCE, DAILY):
        due = utc_now() + (A_DAY if mail == DAILY else timedelta())
        unset = {"_id": user_id, "mail_at": None}
        Watcher.objects.raw().update_one(unset, {"$set": {"mail_at": due}})
