"""`/stats/`, as a page and as JSON."""

import re
from typing import Any

from flask import Blueprint, Response, current_app, json, jsonify

from webapp.changes import site_stats
from webapp.documents import DownloadCount, Package
from webapp.documents.base import Plain, utc_now
from webapp.serving.errors import wants_json
from webapp.serving.filters import isoformat
from webapp.serving.public_pages import made_from, public, render_public

bp = Blueprint("stats", __name__)

# The statistics cover the years from 2000 to 2099.
_MONTH = re.compile("20[0-9]{2}-(0[1-9]|1[0-2])")
MOST = 10**12
SHOWN = (
    "projects", "releases", "users", "releases_by_month", "top_licenses", "top_languages", "top_classifiers",
    "top_maintainers", "computed_at",
)  # fmt: skip


@bp.get("/stats/")
@public
def index() -> Response:
    """Show the counts, the releases per month, and the most frequent values."""
    stats = site_stats.current(current_app.config["STATS_MAX_AGE_S"], *SHOWN)
    months = filled_months(stats.get("releases_by_month", []))
    downloads = DownloadCount.summary(utc_now().date())
    found = Package.objects(pk__in=[row["id"] for row in downloads["top"]]).only("name").plain()
    names = {package["normalized_name"]: package.get("name") for package in found}
    # Others may have been deleted since, and may have been hidden from this reader before.
    downloads["top"] = [row for row in downloads["top"] if row["id"] in names]
    if wants_json():
        counts = _as_json(stats, months, downloads)
        response = made_from(json.dumps(counts).encode(), lambda: jsonify(counts), "json")
    else:
        response = render_public(
            "stats/index.html",
            stats={name: stats[name] for name in SHOWN if name in stats},
            months=months,
            years=by_year(months),
            downloads=downloads,
            names=names,
        )
    response.vary.add("Accept")
    return response


def _as_json(stats: Plain, months: list[Plain], downloads: Plain) -> Plain:
    """Return what the page shows, each list as {name: count}."""
    return {
        **{name: stats.get(name, 0) for name in ("projects", "releases", "users")},
        "releases_by_month": {month["id"]: month["count"] for month in months},
        "downloads": {
            "total": downloads["total"],
            "last_days": {day["id"]: day["count"] for day in downloads["days"]},
            "top_projects": {row["id"]: row["count"] for row in downloads["top"]},
        },
        **{
            name: {row.get("name") or row["id"]: row.get("count", 0) for row in stats.get(name, []) if row.get("id")}
            for name in ("top_licenses", "top_languages", "top_classifiers", "top_maintainers")
        },
        "computed_at": isoformat(stats.get("computed_at")) or None,
    }


def filled_months(counted: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return all months from the first to the last, including those without a release: [{id: "2024-03", count: 7}].

    Invalid months and numbers come from manual edits, and are left out.
    """
    counts = {
        row["id"]: row["count"]
        for row in counted
        if _MONTH.fullmatch(row.get("id", "")) and 0 < row.get("count", 0) <= MOST
    }
    if not counts:
        return []
    (year, month), (last_year, last_month) = (map(int, key.split("-")) for key in (min(counts), max(counts)))
    months = []
    while (year, month) <= (last_year, last_month):
        key = f"{year:04d}-{month:02d}"
        months.append({"id": key, "count": counts.get(key, 0)})
        year, month = (year, month + 1) if month < 12 else (year + 1, 1)
    return months


def by_year(months: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the sum of each year: [{id: "2024", count: 120}]."""
    years: dict[str, int] = {}
    for month in months:
        years[month["id"][:4]] = years.get(month["id"][:4], 0) + month["count"]
    return [{"id": year, "count": count} for year, count in years.items()]
