"""The status of a project (PEP 792), stored in packages and in the pages of another index."""

from collections.abc import Mapping
from typing import Any

import mongoengine as me

# An active project has no stored status.
ACTIVE, ARCHIVED, DEPRECATED, QUARANTINED = "active", "archived", "deprecated", "quarantined"
KEPT = (ARCHIVED, DEPRECATED, QUARANTINED)


class ProjectStatus(me.EmbeddedDocument):
    """Why a project is not simply active; 0.3 kB."""

    marker = me.StringField()  # ARCHIVED, DEPRECATED or QUARANTINED
    reason = me.StringField()
    successor = me.StringField()  # the name of the project to use instead
    since = me.DateTimeField()


def marker_of(package: Mapping[str, Any]) -> str:
    """Return the marker of a plain package. Markers unknown to PEP 792 count as active."""
    marker = package.get("status", {}).get("marker")
    return marker if marker in KEPT else ACTIVE


def is_quarantined(package: Mapping[str, Any]) -> bool:
    """Tell whether the files of a plain package may not be offered."""
    return marker_of(package) == QUARANTINED


def reason_of(package: Mapping[str, Any]) -> str:
    """Return the reason for a plain package's status, and what to use instead, as one text; empty if there is none."""
    status = package.get("status", {})
    successor = f"Use {status['successor']} instead." if status.get("successor") else ""
    return " ".join(filter(None, (status.get("reason", ""), successor)))
