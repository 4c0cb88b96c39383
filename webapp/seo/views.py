"""`/sitemap.xml` and its buckets, `/robots.txt`, `/opensearch.xml`, `/favicon.ico`."""

from collections.abc import Iterator
from typing import Any

from flask import Blueprint, Response, abort, current_app, make_response, redirect, render_template
from werkzeug.wrappers import Response as AnyResponse

from webapp.changes import site_stats
from webapp.documents import License, Package, Page, ProgrammingLanguage
from webapp.documents.hidden import hidden_names
from webapp.members.read_access import for_members_only
from webapp.rules.license_names import license_name
from webapp.serving.filters import absolute_url, project_link, site_url, static_url
from webapp.serving.public_pages import public, render_public

bp = Blueprint("seo", __name__)

# Source: sitemaps.org, "Sitemaps file location and limits".
MAX_URLS = 50_000
AN_HOUR = 3600
LONGEST_NAME = "\uffff"


@bp.get("/sitemap.xml")
@public
def sitemap() -> Response:
    """Return the index: a sitemap for the site's own pages, and one for each bucket of projects."""
    stats = site_stats.current(current_app.config["STATS_MAX_AGE_S"], "sitemap_buckets")
    sitemaps = [{"url": absolute_url("seo.sitemap_pages"), "updated": None}]
    # url_for would take ten times as long for them.
    start, _, end = absolute_url("seo.sitemap_projects", number=0).rpartition("0")
    for number, bucket in enumerate(stats.get("sitemap_buckets", [])):
        sitemaps.append({"url": f"{start}{number}{end}", "updated": bucket.get("updated_date")})
    return _xml(render_public("seo/sitemap_index.xml", sitemaps=sitemaps))


@bp.get("/sitemap/pages.xml")
@public
def sitemap_pages() -> Response:
    """List the site's own pages, content pages, licences and languages."""
    urls: list[dict[str, Any]] = [
        {"url": absolute_url(endpoint)}
        for endpoint in ("home.index", "home.about", "home.api", "packages.projects", "stats.index")
    ]
    urls += [
        {"url": absolute_url("pages.page", path=page["path"]), "updated": page.get("updated_date")}
        for page in Page.objects.only("path", "updated_date").limit(MAX_URLS // 4).plain()
    ]
    if not hidden_names():
        urls += _labels()
    return _xml(render_public("seo/sitemap.xml", urls=urls))


@bp.get("/sitemap/<int:number>.xml")
@public
def sitemap_projects(number: int) -> Response:
    """List the project pages of one bucket."""
    stats = site_stats.current(current_app.config["STATS_MAX_AGE_S"], "sitemap_buckets")
    starts = [bucket.get("start", "") for bucket in stats.get("sitemap_buckets", [])]
    if number >= len(starts):
        abort(404)
    end = starts[number + 1] if number + 1 < len(starts) else LONGEST_NAME
    names = {"_id": {"$gte": starts[number], "$lt": end}}
    packages = Package.objects(__raw__=names).only("pk", "updated_date")
    site = site_url()
    urls = [
        {"url": f"{site}{project_link(package['normalized_name'])}", "updated": package.get("updated_date")}
        for package in packages.order_by("pk").limit(MAX_URLS).plain()
    ]
    return _xml(render_public("seo/sitemap.xml", urls=urls))


@bp.get("/robots.txt")
@public
def robots() -> Response:
    """Tell crawlers what they may read: everything except what is endless, but nothing on a site for members."""
    lines = [
        "User-agent: *",
        "Disallow: /search/?",
        "Disallow: /inside/",
        "Disallow: /dependencies/",
        f"Sitemap: {absolute_url('seo.sitemap')}",
        "",
    ]
    if for_members_only():
        lines = ["User-agent: *", "Disallow: /", ""]
    return _lasting(make_response("\n".join(lines)), "text/plain; charset=utf-8")


@bp.get("/opensearch.xml")
@public
def opensearch() -> Response:
    """Describe the site's search to browsers (OpenSearch 1.1)."""
    response = make_response(render_template("seo/opensearch.xml"))
    return _lasting(response, "application/opensearchdescription+xml; charset=utf-8")


@bp.get("/favicon.ico")
def favicon() -> AnyResponse:
    """Answer browsers that ignore the icon's link in the page."""
    return redirect(static_url("img/favicon.png"), 302)


def _labels() -> Iterator[dict[str, Any]]:
    """Yield licences and languages. Those that only hidden projects have would take a question each to find."""
    names = (license_name(label["id"]) for label in License.objects.only("id").limit(MAX_URLS // 4).plain())
    for name in dict.fromkeys(names):
        yield {"url": absolute_url("packages.license_page", license_id=name)}
    for label in ProgrammingLanguage.objects.only("id").limit(MAX_URLS // 4).plain():
        yield {"url": absolute_url("packages.language", language_id=label["id"])}


def _xml(response: Response) -> Response:
    response.content_type = "application/xml; charset=utf-8"
    return response


def _lasting(response: Response, content_type: str) -> Response:
    response.content_type = content_type
    response.cache_control.max_age = AN_HOUR
    return response
