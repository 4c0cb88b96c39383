"""`/advisories/`, the page of an advisory, and the advisories about a project and what it requires."""

from typing import Any

from flask import abort, redirect, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from webapp.advisories.blueprint import bp
from webapp.advisories.requirements import advisories_of, tree_of
from webapp.documents import Advisory, AdvisoryState, Package
from webapp.documents.base import Plain
from webapp.documents.dependents import dependents_of
from webapp.rules import naming, osv
from webapp.rules.advisory_sources import described, source_of
from webapp.serving import affected_releases
from webapp.serving.filters import safe_link
from webapp.serving.pagination import MAX_ITEMS, paginate
from webapp.serving.public_pages import public, render_public

# The fields that lists show.
LISTED = ("summary", "severity", "aliases", "affects.package", "withdrawn_at", "imported_at")
MAX_QUERY_LENGTH = 200
# How many of the packages that require an affected version are named.
DEPENDENTS_SHOWN = 200


@bp.get("/advisories/")
@public
def advisories() -> AnyResponse:
    """List the advisories that arrived last, or those about a project; an id or alias leads to its advisory."""
    query = request.args.get("q", "").strip()
    if len(query) > MAX_QUERY_LENGTH:
        abort(413, f"Enter at most {MAX_QUERY_LENGTH} characters.")
    found = Advisory.objects.order_by("-imported_at", "pk")
    if query:
        if advisory_id := _id_of(query):
            return redirect(url_for("advisories.advisory", advisory_id=advisory_id))
        found = Advisory.objects.about([_normalized(query)]).order_by("pk")
    return render_public(
        "advisories/list.html",
        query=query,
        state=AdvisoryState.current(),
        sources=described(),
        found=paginate([found.only(*LISTED)]),
        max_items=MAX_ITEMS,
    )


@bp.get("/advisories/<advisory_id>/")
@public
def advisory(advisory_id: str) -> AnyResponse:
    """Show an advisory, what it affects here, and who requires that."""
    found = Advisory.objects(pk=advisory_id).plain_first()
    if found is None:
        other = _id_of(advisory_id) or abort(404, f"This site has no advisory “{advisory_id[:100]}”.")
        return redirect(url_for("advisories.advisory", advisory_id=other))
    record = found.pop("record", {})
    affects = found.pop("affects", [])
    dependents = dependents_of(affects, record)
    return render_public(
        "advisories/advisory.html",
        advisory=found | {"severity": affected_releases.level(found)},
        details=_text(record.get("details")),
        affected=[_affected(each) for each in affects if "package" in each],
        here=_releases_here(affects),
        references=_references(record),
        source=source_of(found)._asdict(),
        dependents=dependents.found[:DEPENDENTS_SHOWN],
        dependents_count=len(dependents.found),
        has_more_dependents=dependents.more,
    )


@bp.get("/project/<name>/advisories/")
@public
def project(name: str) -> AnyResponse:
    """Show the advisories about a project's releases, and those about the projects that it requires."""
    normalized_name = naming.normalize_name(name)
    if name != normalized_name:
        return redirect(url_for("advisories.project", name=normalized_name), 301)
    package = (
        Package.objects(pk=normalized_name).only("name", "latest", "releases.version", "requires_dist").plain_first()
    )
    if package is None:
        abort(404, f"There is no project called “{name}” on this site.")
    known = affected_releases.about([normalized_name]).get(normalized_name, [])
    versions = [each["version"] for each in package.pop("releases", []) if "version" in each]
    tree = tree_of(package)
    return render_public(
        "advisories/project.html",
        package=package,
        own=[_own(each, versions) for each in sorted(known, key=affected_releases.rank)],
        required=advisories_of(tree),
        requirement_count=len(tree),
    )


def _id_of(text: str) -> str | None:
    """Return the id of the advisory that has this id or alias, or None."""
    for wanted in dict.fromkeys((text, text.upper())):
        for found in (Advisory.objects(pk=wanted), Advisory.objects(aliases=wanted).standing()):
            if advisory := found.only("summary").plain_first():
                return str(advisory["id"])
    return None


def _normalized(query: str) -> str:
    try:
        return naming.normalize_name(query)
    except naming.InvalidName:
        abort(404, f"This site has no advisory “{query}”, and that is not a valid project name.")


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _affected(affected: Plain) -> Plain:
    """Return what is affected of a project, in words."""
    ranges = [_range_in_words(each) for each in affected.get("ranges", [])]
    return {
        "package": affected["package"],
        "ranges": ranges,
        "is_listed": bool(affected.get("versions")),
        "fixed_in": affected.get("fixed_in", []),
    }


def _range_in_words(part: Plain) -> str:
    introduced, fixed, last = part.get("introduced", "0"), part.get("fixed"), part.get("last_affected")
    begin = "" if introduced == "0" else f"from {introduced}"
    end = f"before {fixed}" if fixed else f"up to {last}" if last else "and later" if begin else "all versions"
    return " ".join(filter(None, (begin, end)))


def _releases_here(affects: list[Plain]) -> dict[str, Plain]:
    """Return the affected projects that are here, each with its name and its affected releases, newest first."""
    by_name = {each["package"]: each for each in affects if "package" in each}
    found = {}
    for package in Package.objects(pk__in=list(by_name)).only("name", "releases.version", "releases.sort_key").plain():
        affected = by_name[package["normalized_name"]]
        releases = [each["version"] for each in package.get("releases", []) if "version" in each]
        hit = [version for version in releases if osv.affects(affected, osv.sort_key(version))]
        found[package["normalized_name"]] = {"name": package.get("name"), "count": len(releases), "affected": hit}
    return found


def _references(record: Plain) -> list[Plain]:
    given = record.get("references")
    found = [each for each in given if isinstance(each, dict)] if isinstance(given, list) else []
    links = [{"kind": _text(each.get("type")).lower(), "url": safe_link(each.get("url"))} for each in found]
    return [link for link in links if link["url"]]


def _own(advisory: Plain, versions: list[str]) -> Plain:
    affected = advisory["affected"]
    hit = [version for version in versions if osv.affects(affected, osv.sort_key(version))]
    shown = {
        "id": advisory["id"],
        "is_own": advisory.get("is_own", False),
        "severity": affected_releases.level(advisory),
        "summary": advisory.get("summary", ""),
    }
    return shown | {"affected": hit, "fixed_in": affected.get("fixed_in", [])}
