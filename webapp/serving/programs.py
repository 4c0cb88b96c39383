"""Which addresses programs ask: they get JSON or plain text, and are never led to a page."""

from flask import g, request

# The first part of each address that pip, uv, twine, mirrors, feed readers and monitoring ask.
PATHS = frozenset(
    [
        "simple",
        "pypi",
        "RPC2",
        "files",
        "packages",
        "upstream",
        "legacy",
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
    """Tell whether this request is a program's: by its path, whether or not there is anything; or a view says so."""
    return bool(g.get("for_programs")) or request.path.split("/", 2)[1] in PATHS
