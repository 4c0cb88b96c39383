"""`/dependencies/<project>/`: what a release needs, and what needs it, as lists and as a picture."""

from typing import Any

from flask import Blueprint, abort, redirect, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from webapp.dependencies.needed_by import users_of
from webapp.dependencies.needs import Choice, tree_of
from webapp.dependencies.picture import picture_of
from webapp.documents import ReleaseFacts
from webapp.documents.package_page import package_page
from webapp.members.limits import count_by_address
from webapp.rules import naming
from webapp.rules.environments import DEFAULT_PYTHON, LINUX, PLATFORMS, PYTHONS, environment_of
from webapp.serving.public_pages import public, render_public

bp = Blueprint("dependencies", __name__)

DEPTHS = range(1, 7)
DEFAULT_DEPTH = 3
# So many extras are offered.
MAX_EXTRAS = 50


@bp.get("/dependencies/<name>/")
@public
def dependencies(name: str) -> AnyResponse:
    """Show what a release needs for some Python and platform, and what needs its project."""
    normalized_name = naming.normalize_name(name)
    if name != normalized_name:
        query = request.query_string.decode("latin-1")
        return redirect(url_for("dependencies.dependencies", name=normalized_name) + (query and f"?{query}"), 301)
    python = _chosen("python", DEFAULT_PYTHON, PYTHONS)
    platform = _chosen("platform", LINUX, list(PLATFORMS))
    depth = int(_chosen("depth", str(DEFAULT_DEPTH), [str(each) for each in DEPTHS]))
    count_by_address("LOOKING_LIMIT")
    wanted = request.args.get("version", "").strip() or None
    found = package_page(normalized_name, wanted, first=0, count=1)
    if found is None:
        abort(404, f"There is no project called “{name}” on this site.")
    package, release = found
    if wanted and release is None:
        abort(404, f"{package.get('name', name)} has no release {wanted[:100]}.")
    version = release["version"] if release else ""
    is_latest = version == package.get("latest", {}).get("version", "")
    offered = sorted({each for extra in package.get("provides_extra", []) if (each := _normal(extra))})[:MAX_EXTRAS]
    extras = frozenset(map(_normal, request.args.getlist("extra"))) & frozenset(offered)
    choice = Choice(environment_of(python, platform), extras, depth)
    tree = tree_of(normalized_name, version, package.get("requires_dist", []), choice)
    users, has_more_users = users_of(normalized_name, version, depth)
    title = f"{package.get('name', name)} {version}".strip()
    return render_public(
        "dependencies/dependencies.html",
        name=package.get("name", normalized_name),
        normalized_name=normalized_name,
        version=version,
        is_known=is_latest or ReleaseFacts.of(normalized_name, version) is not None,
        tree=tree._asdict(),
        users=users,
        has_more_users=has_more_users,
        picture=picture_of(title, normalized_name, tree.children, users),
        chosen={"python": python, "platform": platform, "depth": depth, "extras": sorted(extras)},
        offered={"python": list(PYTHONS), "platform": PLATFORMS, "depth": list(DEPTHS), "extras": offered},
    )


def _chosen(field: str, default: str, offered: Any) -> str:
    value = request.args.get(field) or default
    if value not in offered:
        abort(400, f"Choose one of these for “{field}”: {', '.join(offered)}.")
    return value


def _normal(extra: str) -> str:
    try:
        return naming.normalize_name(extra)
    except naming.InvalidName:
        return ""
