"""RSS 2.0 feeds: releases, new projects, and the releases of one project."""

from typing import Any

from flask import Blueprint, Response, abort

from webapp.documents import Package
from webapp.rules import naming
from webapp.serving.filters import absolute_url, project_link, site_url
from webapp.serving.public_pages import public, render_public

bp = Blueprint("feeds", __name__, url_prefix="/rss")

RELEASES = 100
PROJECTS = 40
PROJECT_RELEASES = 40


@bp.get("/updates.xml")
@public
def updates() -> Response:
    """The newest releases of all projects."""
    site = site_url()
    packages = Package.objects.newly_released(RELEASES).listed().plain()
    items = [
        _item(
            f"{package['name']} {release['version']}",
            site + project_link(package["normalized_name"], release["version"]),
            package.get("summary"),
            release.get("created_date"),
        )
        for package in packages
        if "name" in package and "version" in (release := package.get("newest_release", {}))
    ]
    return _feed("Newest releases", absolute_url("home.index"), items)


@bp.get("/packages.xml")
@public
def packages() -> Response:
    """The newest projects."""
    site = site_url()
    items = [
        _item(
            f"{package['name']} added",
            site + project_link(package["normalized_name"]),
            package.get("summary"),
            package.get("created_date"),
        )
        for package in Package.objects.newest(PROJECTS).listed().plain()
        if "name" in package
    ]
    return _feed("Newest projects", absolute_url("home.index"), items)


@bp.get("/project/<name>/releases.xml")
@public
def project_releases(name: str) -> Response:
    """The newest releases of one project."""
    found = Package.page_of(naming.normalize_name(name), None, first=0, count=PROJECT_RELEASES)
    if found is None:
        abort(404)
    site, package = site_url(), found.package
    address = site + project_link(package["normalized_name"])
    items = [
        _item(
            release["version"],
            site + project_link(package["normalized_name"], release["version"]),
            release.get("comment"),
            release.get("created_date"),
        )
        for release in package.get("releases", [])
        if "version" in release
    ]
    return _feed(f"Releases of {package.get('name', name)}", address, items)


def _item(title: str, link: str, description: Any, published: Any) -> dict[str, Any]:
    return {"title": title, "link": link, "description": description, "published": published}


def _feed(title: str, link: str, items: list[dict[str, Any]]) -> Response:
    response = render_public("feeds/rss.xml", title=title, link=link, items=items)
    response.content_type = "application/rss+xml; charset=utf-8"
    return response
