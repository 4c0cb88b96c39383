"""Downloads in the counts."""

from typing import Any

from webapp.documents import DownloadCount
from webapp.documents.download_count import Fetched, months


def counted(*downloads: str) -> None:
    """Count downloads, each written as "flask 3.0 2024-03-01"."""
    DownloadCount.add(months((Fetched(*download.split()), 1) for download in downloads))


def kept(key: str) -> dict[str, Any]:
    """The raw document of a month."""
    found = DownloadCount._get_collection().find_one({"_id": key})
    assert found is not None, key
    return dict(found)
