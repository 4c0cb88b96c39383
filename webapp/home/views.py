"""`/` and `/about`."""

from flask import Blueprint, Response, current_app

from webapp.changes import site_stats
from webapp.documents import Package
from webapp.serving.public_pages import public, render_public

bp = Blueprint("home", __name__)

SHOWN = 8
COUNTS = ("projects", "releases", "users")


@bp.get("/")
@public
def index() -> Response:
    """Show what Larder is, the counts, and what is new."""
    stats = site_stats.current(current_app.config["STATS_MAX_AGE_S"], *COUNTS)
    return render_public(
        "home/index.html",
        counts={name: stats.get(name, 0) for name in COUNTS},
        newest_releases=Package.objects.newly_released(SHOWN).listed().plain(),
        newest_projects=Package.objects.newest(SHOWN).listed().plain(),
    )


@bp.get("/about")
@public
def about() -> Response:
    """Show what this site is and how to use it."""
    return render_public("home/about.html")
