"""What is derived from other documents and was not yet: after an upgrade, or after a move from an SQL database.

It runs with the statistics, beside the requests and in one process at a time, so that nobody has to start it.
"""

from webapp import naming
from webapp.documents.download import Download
from webapp.documents.download_count import DownloadCount
from webapp.documents.package import Package


def derive_requires() -> None:
    """Give `requires` to the packages that an older version of the site wrote."""
    packages = Package._get_collection()
    # `by_requirement` holds those without the field under null; usually there is none, and nothing else is read.
    without = {"requires": None, "requires_dist.0": {"$exists": True}}
    for package in packages.find(without, {"requires_dist": 1}):
        texts = [text for text in package["requires_dist"] if isinstance(text, str)]
        packages.update_one(
            {"_id": package["_id"], "requires": None}, {"$set": {"requires": naming.required_names(texts)}}
        )


def add_moved_downloads(added_up: int | None) -> int:
    """Add up `downloads` unless so many of them were added up already, and return how many there are.

    The site itself writes none, so their number changes only when a move brings them or takes them back. None: nobody
    knows how many were; MongoDB's own figure may be wrong after it was killed.
    """
    number = Download._get_collection().estimated_document_count()
    if number != added_up:
        DownloadCount.add_moved()
    return int(number)
