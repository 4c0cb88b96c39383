"""Addresses meant for programs, which get JSON or plain text and are never redirected to a page."""

from flask import request

# The first part of each address used by pip, uv, twine, mirrors, feed readers, monitoring and scripts.
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
        "signup",
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
    """Tell whether this request comes from a program, judging by its path."""
    return request.path.split("/", 2)[1] in PATHS
