"""`/`, `/about` and `/help/api`."""

import shlex

from flask import Blueprint, Response, current_app

from webapp.changes import site_stats
from webapp.documents import Package
from webapp.home.api_calls import CALLS
from webapp.serving.filters import site_url
from webapp.serving.public_pages import public, render_public

bp = Blueprint("home", __name__)

SHOWN = 8
COUNTS = ("projects", "releases", "users")


@bp.get("/")
@public
def index() -> Response:
    """Show what Larder is, the counts, and what is new."""
    stats = site_stats.current(current_app.config["STATS_MAX_AGE_S"], *COUNTS)
    releases = Package.objects.newly_released(SHOWN).listed().plain()
    # A new project's first release would stand in both lists.
    seen = {package["normalized_name"] for package in releases}
    projects = Package.objects.newest(2 * SHOWN).listed().plain()
    return render_public(
        "home/index.html",
        counts={name: stats.get(name, 0) for name in COUNTS},
        newest_releases=releases,
        newest_projects=[package for package in projects if package["normalized_name"] not in seen][:SHOWN],
    )


@bp.get("/about")
@public
def about() -> Response:
    """Show what this site is and how to use it."""
    return render_public("home/about.html")


@bp.get("/help/api")
@public
def api() -> Response:
    """Show each address for programs, what it answers, and how curl asks."""
    site = site_url().rstrip("/")
    groups = {
        title: [
            {**call._asdict(), "method": call.method, "curl": shlex.join(["curl", *call.options, site + call.address])}
            for call in calls
        ]
        for title, calls in CALLS.items()
    }
    return render_public("home/api.html", groups=groups)
