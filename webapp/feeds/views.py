"""RSS 2.0 feeds: releases, new projects, and the releases of one project."""

import hashlib
from collections.abc import Callable, Iterable
from typing import Any

from flask import Blueprint, Response, abort, render_template

from webapp.documents import Package, ReleaseFacts, User, Watcher
from webapp.documents.base import Plain
from webapp.documents.package_page import package_page
from webapp.documents.plain_fields import PackageFields
from webapp.documents.project_status import ACTIVE, marker_of, reason_of
from webapp.rules import naming
from webapp.serving.filters import absolute_url, project_link, site_url
from webapp.serving.public_pages import public, render_public
from webapp.telling.watching import shown_to

bp = Blueprint("feeds", __name__, url_prefix="/rss")

RELEASES = 100
PROJECTS = 40
PROJECT_RELEASES = 40


@bp.get("/updates.xml")
@public
def updates() -> Response:
    """Return the newest releases of all projects."""
    site = site_url()
    packages = Package.objects.newly_released(RELEASES)
    summary = _summaries((package, package.get("newest_release", {}).get("version")) for package in packages)
    items = [
        _item(
            f"{package['name']} {release['version']}",
            site + project_link(package["normalized_name"], release["version"]),
            summary(package, release["version"]),
            release.get("created_date"),
            package,
        )
        for package in packages
        if "name" in package and "version" in (release := package.get("newest_release", {}))
    ]
    return _feed("Newest releases", absolute_url("home.index"), items)


@bp.get("/packages.xml")
@public
def packages() -> Response:
    """Return the newest projects."""
    site = site_url()
    items = [
        _item(
            f"{package['name']} added",
            site + project_link(package["normalized_name"]),
            package.get("summary"),
            package.get("created_date"),
            package,
        )
        for package in Package.objects.newest(PROJECTS)
        if "name" in package
    ]
    return _feed("Newest projects", absolute_url("home.index"), items)


@bp.get("/project/<name>/releases.xml")
@public
def project_releases(name: str) -> Response:
    """Return the newest releases of one project."""
    found = package_page(naming.normalize_name(name), None, first=0, count=PROJECT_RELEASES)
    if found is None:
        abort(404)
    site, package = site_url(), found.package
    address = site + project_link(package["normalized_name"])
    summary = _summaries((package, release.get("version")) for release in package.get("releases", []))
    items = [
        _item(
            release["version"],
            site + project_link(package["normalized_name"], release["version"]),
            release.get("comment") or summary(package, release["version"]),
            release.get("created_date"),
        )
        for release in package.get("releases", [])
        if "version" in release
    ]
    if (status := marker_of(package)) != ACTIVE:
        changed_at = package["status"].get("since")
        title = f"{package.get('name', name)} is {status}"
        # A different address for each change, or readers would take a second one for the first.
        link = f"{address}#{status}-{changed_at:%Y-%m-%d}" if changed_at else f"{address}#{status}"
        items.insert(0, _item(title, link, reason_of(package), changed_at, package))
    return _feed(f"Releases of {package.get('name', name)}", address, items)


@bp.get("/watching/<token>.xml")
def watching(token: str) -> Response:
    """Return what happened to the projects that somebody watches, at an address that only they know."""
    digest = hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
    watcher = Watcher.objects.with_feed(digest).plain_first()
    user = User.objects(pk=watcher["user_id"]).declared_first() if watcher else None
    if watcher is None or user is None or user.is_disabled:
        abort(410, "This feed has another address now.")
    items = [
        {
            "title": each.get("text"),
            "link": f"{each.get('link') or site_url()}#{each.get('key')}",
            "description": each.get("text"),
            "published": each.get("at"),
            "category": None,
        }
        for each in shown_to(user, watcher.get("news", []))
    ]
    title = "Projects you watch"
    page = render_template("feeds/rss.xml", title=title, link=absolute_url("accounts.watching"), items=items)
    response = Response(page, content_type="application/rss+xml; charset=utf-8")
    response.headers["Cache-Control"] = "no-store"
    return response


def _summaries(releases: Iterable[tuple[PackageFields, str | None]]) -> Callable[[PackageFields, str], str | None]:
    """Return a function for the summary that a release states; a package has only that of its latest release."""
    others = [
        (package["normalized_name"], version)
        for package, version in releases
        if version and version != package.get("latest", {}).get("version")
    ]
    known = ReleaseFacts.summaries(others)

    def summary(package: PackageFields, version: str) -> str | None:
        if version == package.get("latest", {}).get("version"):
            return package.get("summary")
        return known.get((package["normalized_name"], version))

    return summary


def _item(title: str, link: str, description: Any, published: Any, package: PackageFields | None = None) -> Plain:
    status = marker_of(package or {})
    return {
        "title": title,
        "link": link,
        "description": description,
        "published": published,
        "category": status if status != ACTIVE else None,
    }


def _feed(title: str, link: str, items: list[Plain]) -> Response:
    response = render_public("feeds/rss.xml", title=title, link=link, items=items)
    response.content_type = "application/rss+xml; charset=utf-8"
    return response
