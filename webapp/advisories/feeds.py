"""RSS 2.0: new and changed advisories about projects that are used here, and those that touch one project."""

from collections.abc import Iterable

from flask import Response, abort

from webapp.advisories.blueprint import bp
from webapp.advisories.requirements import tree_of
from webapp.documents import Advisory, Package, UpstreamProject
from webapp.documents.base import Plain
from webapp.documents.hidden import shown
from webapp.serving import affected_releases
from webapp.serving.filters import absolute_url
from webapp.serving.public_pages import public, render_public

ITEMS = 100
# Advisories arrive a few times a day.
MAX_AGE_S = 900
# How many of the newest advisories are looked at: most of a dump is about projects that nobody here uses.
LOOKED_AT = 3000
FIELDS = ("summary", "severity", "affects.package", "imported_at", "withdrawn_at")


@bp.get("/rss/advisories.xml")
@public
def feed() -> Response:
    """Return the newest advisories about projects that are here, are required here, or were fetched from upstream."""
    found = Advisory.objects.newest(LOOKED_AT).only(*FIELDS).plain()
    used = _used_here(
        {each["package"] for advisory in found for each in advisory.get("affects", []) if "package" in each}
    )
    items = [item for advisory in found if (item := _item(advisory, used))]
    return _feed("Advisories about projects here", absolute_url("advisories.advisories"), items[:ITEMS])


@bp.get("/rss/project/<name>/advisories.xml")
@public
def project_feed(name: str) -> Response:
    """Return the newest advisories about a project and what it requires, directly and through others."""
    package = Package.objects.named(name).only("name", "requires_dist").plain_first() or abort(404)
    own, shown = package["normalized_name"], package.get("name", name)
    touched = {own: "", **{each.name: f", which {each.through} requires" for each in tree_of(package)}}
    found = Advisory.objects.about(touched).only(*FIELDS).plain()
    found.sort(
        key=lambda each: (each["imported_at"].timestamp() if "imported_at" in each else 0, each["id"]), reverse=True
    )
    items = [item for advisory in found[:ITEMS] if (item := _item(advisory, touched))]
    return _feed(f"Advisories about {shown} and what it requires", absolute_url("advisories.project", name=own), items)


def _used_here(names: Iterable[str]) -> dict[str, str]:
    """Return those of some projects that matter here, each with what is said about that."""
    wanted = list(names)
    known = {"$in": wanted}
    required = Package.objects.raw().aggregate(
        [
            {"$match": {"requires": known} | shown()},
            {"$project": {"requires": 1}},
            {"$unwind": "$requires"},
            {"$match": {"requires": known}},
            {"$group": {"_id": "$requires", "count": {"$sum": 1}}},
        ]
    )
    upstream = UpstreamProject.objects.raw().find({"_id": known, "is_absent": {"$ne": True}}, {"_id": 1})
    used = {son["_id"]: ", which was fetched through this site" for son in upstream}
    used |= {son["_id"]: f", which {_projects(son['count'])} here" for son in required}
    return used | {son["_id"]: "" for son in Package.objects(pk__in=wanted).only("normalized_name").as_pymongo()}


def _projects(count: int) -> str:
    return "one project requires" if count == 1 else f"{count:,} projects require"


def _item(advisory: Plain, used: dict[str, str]) -> Plain | None:
    names = [each["package"] for each in advisory.get("affects", []) if each.get("package") in used]
    if not names:
        return None
    arrived, severity = advisory.get("imported_at"), affected_releases.level(advisory)
    withdrawn = "was withdrawn" if "withdrawn_at" in advisory else ""
    about = "; ".join(f"{name}{used[name]}" for name in names)
    # A different address for each change, or readers would take a second one for the first.
    changed = f"#{arrived:%Y-%m-%dT%H:%M}" if arrived else ""
    return {
        "title": " ".join(filter(None, (advisory["id"], withdrawn, f"({severity}):", ", ".join(names)))),
        "link": absolute_url("advisories.advisory", advisory_id=advisory["id"]) + changed,
        "description": f"{advisory.get('summary') or 'No summary.'} About {about}.",
        "published": arrived,
        "category": severity,
    }


def _feed(title: str, link: str, items: list[Plain]) -> Response:
    response = render_public("feeds/rss.xml", title=title, link=link, items=items)
    response.cache_control.max_age = MAX_AGE_S
    response.content_type = "application/rss+xml; charset=utf-8"
    return response
