"""Project pages, `/projects/`, and the projects under a licence, language or classifier."""

import contextlib
import re
from typing import Any

from flask import Blueprint, Response, abort, redirect, request, url_for
from packaging.utils import NormalizedName
from werkzeug.wrappers import Response as AnyResponse

from webapp.documents import DownloadCount, License, Package, ProgrammingLanguage, SearchEntry, SearchWord
from webapp.documents.base import Plain, utc_now
from webapp.documents.hidden import hidden_names
from webapp.documents.package_page import ReadReleases, package_page, raw_releases
from webapp.documents.plain_fields import PackageFields, ReleaseFields
from webapp.documents.project_status import ACTIVE, is_quarantined, marker_of
from webapp.documents.search_entry import CLASSIFIER, LICENSE
from webapp.packages import comparison, presentation
from webapp.rules import naming, wording
from webapp.rules.license_names import license_name
from webapp.rules.people import people
from webapp.rules.texts import counted
from webapp.serving import affected_releases, description_images
from webapp.serving.errors import NoSuchProject
from webapp.serving.filters import project_link
from webapp.serving.pagination import MAX_ITEMS, page_number, paginate
from webapp.serving.public_pages import public, render_public
from webapp.upstream.views import other_index

bp = Blueprint("packages", __name__)

HISTORY_PER_PAGE = 50
# How many projects that use this one are named; the page with all of them is one link away.
USERS_SHOWN = 8

ORDERS = {
    "name": ("A–Z", ("pk",)),
    "newest": ("Newest projects", ("-created_date", "pk")),
    "updated": ("Newest releases", ("-newest_release.created_date", "pk")),
    "releases": ("Most releases", ("-release_count", "pk")),
}
# The release that a list in this order shows of each project; `latest` in the others.
SHOWN_RELEASE = {"updated": "newest_release"}


@bp.get("/project/<name>/", defaults={"version": None})
@bp.get("/project/<name>/<path:version>/")
@public
def project(name: str, version: str | None) -> AnyResponse:
    """Show a project: its latest release, or the version in the address."""
    normalized_name = naming.normalize_name(name)
    number = page_number()
    found = package_page(normalized_name, version, first=(number - 1) * HISTORY_PER_PAGE, count=HISTORY_PER_PAGE)
    if found is None:
        raise _no_such_project(name, normalized_name)
    package, release = found
    if version is not None and not (release and release["version"]):
        abort(404, f"{package.get('name', name)} has no release {version}.")
    spelling = release["version"] if version is not None and release else None
    if (name, version) != (normalized_name, spelling):
        return redirect(_address(normalized_name, spelling), 301)
    if release is not None and is_quarantined(package):
        release = release | {"files": []}
    latest_version = package.get("latest", {}).get("version", "")
    advisories = affected_releases.about([normalized_name]).get(normalized_name, [])
    users = Package.objects.users_of(normalized_name, USERS_SHOWN + 1)
    pages = max(1, -(-package.get("release_count", 0) // HISTORY_PER_PAGE))
    if number > pages:
        abort(404, f"The release history has {counted(pages, 'pages')}.")
    return render_public(
        "packages/project.html",
        package={key: value for key, value in package.items() if key != "releases"},  # the rows of the history say more
        release=release,
        status=marker_of(package),
        successor=_successor(package),
        is_latest=release is not None and release["version"] == latest_version,
        is_outdated=release is not None and naming.sort_key(release["version"]) < naming.sort_key(latest_version),
        used_by=presentation.used_by(users[:USERS_SHOWN], normalized_name, release["version"] if release else None),
        has_more_users=len(users) > USERS_SHOWN,
        downloads=DownloadCount.summary(utc_now().date(), normalized_name),
        history={
            "page": number,
            "pages": pages,
            "rows": presentation.history(package, release["version"] if release else ""),
        },
        requirements=presentation.requirements(package, Package.objects.names_among),
        links=presentation.links(package),
        authors=people(package.get("author_name"), package.get("author_email")),
        named_maintainers=people(package.get("maintainer_name"), package.get("maintainer_email")),
        licenses=presentation.licenses(package),
        # Installers take a pre-release by themselves if there is nothing else (PEP 440).
        has_final=not naming.is_prerelease(latest_version),
        classifier_groups=presentation.classifier_groups(package.get("classifiers", [])),
        file_groups=presentation.file_groups(release or {}),
        compared=presentation.compared(package, release),
        advisories=affected_releases.affecting(advisories, release["version"]) if release else [],
        advised=affected_releases.marks_of_releases(advisories, package.get("releases", [])),
        has_advisories=bool(advisories),
        images=description_images.stamp(),
    )


def _no_such_project(name: str, normalized_name: NormalizedName) -> NoSuchProject:
    near = SearchEntry.objects.nearest_name(wording.letters(name))
    likely = {"name": near.text, "address": project_link(naming.normalize_name(near.text))} if near else None
    upstream = other_index()
    if not upstream or upstream.refusal(normalized_name):
        return NoSuchProject(f"There is no project called “{name}” on this site.", likely, None)
    text = f"There is no project called “{name}” on this site. Installers look for it on {upstream.host}."
    return NoSuchProject(text, likely, {"name": upstream.host, "address": upstream.page_of(normalized_name)})


def _successor(package: PackageFields) -> Plain | None:
    """Return the project to use instead, {name, normalized_name}, if its owners name one that exists here."""
    name = package.get("status", {}).get("successor")
    if not name or marker_of(package) == ACTIVE:
        return None
    with contextlib.suppress(naming.InvalidName):
        return Package.objects.named(name).only("normalized_name", "name").plain_first()
    return None


@bp.get("/project/<name>/compare/<path:old>...<path:new>")
@public
def compare(name: str, old: str, new: str) -> AnyResponse:
    """Show what changed between two releases of a project."""
    normalized_name = naming.normalize_name(name)
    raw = raw_releases(normalized_name, (old, new))
    if raw is None:
        abort(404, f"There is no project called “{name}” here.")
    read = ReadReleases.from_bson(raw)
    package, releases = read.package, [read.release(version) for version in (old, new)]
    for version, release in zip((old, new), releases, strict=True):
        if release is None:
            abort(404, f"{package.get('name', name)} has no release {version}.")
    before, after = (release or ReleaseFields() for release in releases)
    if (name, old, new) != (normalized_name, before["version"], after["version"]):
        address = url_for("packages.compare", name=normalized_name, old=before["version"], new=after["version"])
        return redirect(address, 301)
    return render_public(
        "packages/compare.html",
        name=package.get("name", normalized_name),
        normalized_name=normalized_name,
        old=before["version"],
        new=after["version"],
        dates=[before.get("created_date"), after.get("created_date")],
        **comparison.between(read, before, after),
    )


@bp.get("/pypi/<name>/")
@bp.get("/pypi/<name>/<version>/")
@bp.get("/p/<name>/")
def legacy_address(name: str, version: str | None = None) -> AnyResponse:
    """Redirect old links to the project's page."""
    return redirect(_address(naming.normalize_name(name), version), 301)


@bp.get("/projects/")
@public
def projects() -> Response:
    """List all projects, in one of four orders, or those whose name starts with some letters."""
    order = request.args.get("order", "name")
    if order not in ORDERS:
        abort(400, f"Choose one of these orders: {', '.join(ORDERS)}.")
    prefix = request.args.get("starts", "").strip().lower()
    question = Package.objects.listed().order_by(*ORDERS[order][1])
    if prefix:
        if order != "name":
            abort(400, "A list of names with a prefix can only be ordered by name.")
        # Names are stored in normalized form (PEP 503), so "zope.i" finds Zope.Interface.
        question = question.starting_with(re.sub(r"[-_.]+", "-", prefix)[: naming.MAX_NAME_LENGTH])
    return render_public(
        "packages/list.html",
        title="Projects",
        order=order,
        orders={key: label for key, (label, _) in ORDERS.items()},
        prefix=prefix,
        found=(found := paginate([question])),
        advised=affected_releases.marks(found["items"], SHOWN_RELEASE.get(order, "latest")),
        max_items=MAX_ITEMS,
    )


@bp.get("/license/<path:license_id>/")
@public
def license_page(license_id: str) -> AnyResponse:
    """List the projects with a licence. What else authors and moved sites call it leads to its name."""
    if (name := license_name(license_id)) != license_id:
        return redirect(url_for("packages.license_page", license_id=name), 301)
    label = License.objects(pk=license_id).plain_first()
    found = paginate(
        [Package.objects.under_license(license_id).listed()], known=SearchWord.objects.frequency(LICENSE + license_id)
    )
    if not found["total"] and (label is None or hidden_names()):
        abort(404, f"No project has the licence “{license_id[:100]}”.")
    return _filed_under("Licence", (label or {}).get("description") or license_id, found)


@bp.get("/language/<path:language_id>/")
@public
def language(language_id: str) -> Response:
    """List the projects for a programming language."""
    label = ProgrammingLanguage.objects(pk=language_id).plain_first()
    classifier = (label or {}).get("description", "")
    found = paginate(
        [Package.objects.classified(classifier).listed()], known=SearchWord.objects.frequency(CLASSIFIER + classifier)
    )
    if label is None or (not found["total"] and hidden_names()):
        abort(404, f"No project has the language “{language_id[:100]}”.")
    return _filed_under("Language", classifier.removeprefix("Programming Language :: ") or language_id, found)


@bp.get("/classifier/<path:classifier>/")
@public
def classifier(classifier: str) -> Response:
    """List the projects with a classifier, written as such: "Topic :: Internet"."""
    found = paginate(
        [Package.objects.classified(classifier).listed()], known=SearchWord.objects.frequency(CLASSIFIER + classifier)
    )
    if not found["total"]:
        abort(404, f"No project has the classifier “{classifier[:100]}”.")
    return _filed_under("Classifier", classifier, found)


@bp.get("/used-by/<name>/")
@public
def used_by(name: str) -> AnyResponse:
    """List the projects here that require a project, and which versions they require.

    The project need not exist here, and neither need the version asked about; the default is the latest one.
    """
    normalized_name = naming.normalize_name(name)
    version = request.args.get("version", "").strip()
    if name != normalized_name:
        return redirect(url_for("packages.used_by", name=normalized_name, version=version or None), 301)
    if version and naming.parse_version(version) is None:
        abort(400, f"“{version[:100]}” is not a version as PEP 440 defines it. An example of one is 2.0.1.")
    found = paginate([Package.objects.requiring(normalized_name).listed_with_requirements()])
    if not found["total"]:
        abort(404, f"No project here requires “{normalized_name}”.")
    project = Package.objects(pk=normalized_name).only("name", "latest").plain_first() or {}
    compared = version or project.get("latest", {}).get("version")
    found["items"] = presentation.used_by(found["items"], normalized_name, compared)
    return render_public(
        "packages/used_by.html",
        name=project.get("name", normalized_name),
        normalized_name=normalized_name,
        compared=compared,
        version=version,
        found=found,
        max_items=MAX_ITEMS,
    )


def _filed_under(kind: str, title: str, found: dict[str, Any]) -> Response:
    advised = affected_releases.marks(found["items"])
    return render_public(
        "packages/list.html", kind=kind, title=title, found=found, advised=advised, max_items=MAX_ITEMS
    )


def _address(normalized_name: NormalizedName, version: str | None) -> str:
    return url_for("packages.project", name=normalized_name, version=version, page=request.args.get("page"))
