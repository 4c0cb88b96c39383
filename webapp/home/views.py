"""`/`, `/about` and `/help/api`."""

import shlex
import time
from typing import NamedTuple

from flask import Blueprint, Response, current_app
from flask.blueprints import BlueprintSetupState

from webapp.changes import site_stats
from webapp.documents import Package
from webapp.home.api_calls import CALLS
from webapp.serving.filters import site_url
from webapp.serving.per_app import PerApp
from webapp.serving.public_pages import public, render_public

bp = Blueprint("home", __name__)

SHOWN = 8
COUNTS = ("projects", "releases", "users")
# The counts are computed now and then, so a process reads them again only after some seconds.
COUNTS_S = 3


class KnownCounts(NamedTuple):
    """The counts of the home page, and when they were read."""

    counts: dict[str, int]
    read_at: float


known_counts = PerApp[KnownCounts | None]("known_counts")


@bp.record_once
def _know_none(setup: BlueprintSetupState) -> None:
    known_counts.set(setup.app, None)


@bp.get("/")
@public
def index() -> Response:
    """Show what Larder is, the counts, and what is new."""
    releases = Package.objects.newly_released(SHOWN)
    # A new project's first release would stand in both lists.
    seen = {package["normalized_name"] for package in releases}
    projects = Package.objects.newest(2 * SHOWN)
    return render_public(
        "home/index.html",
        counts=_counts(),
        newest_releases=releases,
        newest_projects=[package for package in projects if package["normalized_name"] not in seen][:SHOWN],
    )


def _counts() -> dict[str, int]:
    max_age_s, known = current_app.config["STATS_MAX_AGE_S"], known_counts()
    if known is None or time.monotonic() - known.read_at >= min(COUNTS_S, max_age_s):
        stats = site_stats.current(max_age_s, *COUNTS)
        known = KnownCounts({name: stats.get(name, 0) for name in COUNTS}, time.monotonic())
        known_counts.set(current_app, known)
    return known.counts


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
