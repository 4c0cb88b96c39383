"""The status of a project (PEP 792): an embedded part of a package, and of what is known of another index's project."""

from collections.abc import Mapping
from typing import Any

import mongoengine as me

# Nothing is kept of a project that is active; it has no status.
ACTIVE, ARCHIVED, DEPRECATED, QUARANTINED = "active", "archived", "deprecated", "quarantined"
KEPT = (ARCHIVED, DEPRECATED, QUARANTINED)


class ProjectStatus(me.EmbeddedDocument):
    """That a project is not simply active, and why; 0.3 kB."""

    marker = me.StringField()  # ARCHIVED, DEPRECATED or QUARANTINED
    reason = me.StringField()
    successor = me.StringField()  # the name of the project to use instead
    since = me.DateTimeField()


def marker_of(package: Mapping[str, Any]) -> str:
    """Return the marker of a plain package; one that PEP 792 does not know counts as active."""
    marker = package.get("status", {}).get("marker")
    return marker if marker in KEPT else ACTIVE


def is_quarantined(package: Mapping[str, Any]) -> bool:
    """Tell whether the files of a plain package may not be offered to anybody."""
    return marker_of(package) == QUARANTINED


def reason_of(package: Mapping[str, Any]) -> str:
    """Return in one text why a plain package has its status, and what to use instead; empty if nobody said."""
    status = package.get("status", {})
    successor = f"Use {status['successor']} instead." if status.get("successor") else ""
    return " ".join(filter(None, (status.get("reason", ""), successor)))
