"""What a search asks the database."""

import re

from webapp import naming
from webapp.documents import Package
from webapp.documents.package import PackageQuerySet, search_words

# More words than this make no search better.
MAX_WORDS = 12


def questions_for(query: str) -> list[PackageQuerySet]:
    """Return the questions whose answers, one after the other, are what a reader looks for.

    The project of exactly this name, then those whose name begins so, then those that have all the words in their
    name or summary, the newest release first. An empty query asks for the newest releases.
    """
    packages = Package.objects.listed()
    if not query:
        return [packages.order_by("-newest_release.created_date", "pk")]
    with_words = packages.filter(search_words__all=search_words(query)[:MAX_WORDS])
    with_words = with_words.order_by("-newest_release.created_date", "pk")
    try:
        prefix = naming.normalize_name(re.sub(r"\s+", "-", query))
    except naming.InvalidName:
        return [with_words] if search_words(query) else []
    end = prefix + "\uffff"
    return [
        packages.filter(pk=prefix),
        packages.filter(__raw__={"_id": {"$gt": prefix, "$lt": end}}).order_by("pk"),
        with_words.filter(__raw__={"$or": [{"_id": {"$lt": prefix}}, {"_id": {"$gte": end}}]}),
    ]
