"""Addresses meant for programs, which get JSON or plain text and are never redirected to a page."""

from flask import g, request

# The first part of each address used by pip, uv, twine, mirrors, feed readers and monitoring.
PATHS = frozenset(
    [
        "simple",
        "pypi",
        "RPC2",
        "files",
        "packages",
        "upstream",
        "integrity",
        "osv",
        "legacy",
        "_",
        ".well-known",
        "upload",
        "stage",
        "rss",
        "sitemap.xml",
        "sitemap",
        "opensearch.xml",
        "robots.txt",
        "health",
        "ready",
        "ping",
        "metrics",
    ]
)


def is_for_programs() -> bool:
    """Tell whether this request comes from a program, judging by its path, or because a view says so."""
    return bool(g.get("for_programs")) or request.path.split("/", 2)[1] in PATHS
