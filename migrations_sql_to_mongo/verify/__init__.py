"""`verify`: read both sides again, and compare every field of every row.

The rules of the migration are implemented here a second time, on purpose, and differently from `mapping` and `copying`.
Values are read with different SQL than the copy's (`reading`). Only two things are shared: which rows belong together
(`source`, `queries`), and the site's own rules (`webapp.rules.naming`, `webapp.documents`). The expected document is
encoded and compared with the stored one byte by byte; only if they differ are both decoded, to name the fields.

Each table has its own module; `context` is what they share.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from migrations_sql_to_mongo.narrowing import Keys, narrowed
from migrations_sql_to_mongo.progress import Progress
from migrations_sql_to_mongo.source import Source
from migrations_sql_to_mongo.target import Target
from migrations_sql_to_mongo.verify.collections import compare_collection
from migrations_sql_to_mongo.verify.compared import Compared
from migrations_sql_to_mongo.verify.context import Behind, Context
from migrations_sql_to_mongo.verify.descriptions import compare_descriptions
from migrations_sql_to_mongo.verify.downloads import expected_download
from migrations_sql_to_mongo.verify.findings import Verification
from migrations_sql_to_mongo.verify.labels import expected_audit_event, expected_label
from migrations_sql_to_mongo.verify.packages import Packages
from migrations_sql_to_mongo.verify.reading import VerifyReading
from migrations_sql_to_mongo.verify.users import Users

__all__ = ["Behind", "Verification", "verify"]


def verify(
    source: Source,
    target: Target,
    names: dict[str, str],
    rejects: str,
    progress: Progress,
    *,
    render: str | None,
    rendered: Callable[[str], bytes | None] = lambda _: None,
    only: dict[str, set[Any]] | None = None,
    keys: Keys | None = None,
    behind: Behind | None = None,
    compared: Compared | None = None,
) -> Verification:
    """Compare the source with the collections of these names, and return what differs.

    `rejects` is the collection of the rows that were rejected: they, and no others, must be missing. With `render`,
    one of RENDERS, descriptions are compared too; `rendered` is the digest that the move kept of one. `only` are the
    documents to look at, by the tables they are from: the collections hold nothing else. `keys` are their keys in the
    source, so that the other rows need not be read. With `behind` all others are looked at, too, where they stand.
    Packages that are `compared` are only looked at again if something has changed, or as a sample.
    """
    reading = VerifyReading(source.dialect, source.codec(), source.layout.encoding)
    source = whole = source.read_by(reading)
    if keys is not None and behind is None:
        source = narrowed(source, keys)
    context = Context(source, target, names, rejects, progress, only, behind)
    users = Users(context)
    expectations = {
        "licenses": expected_label,
        "languages": expected_label,
        "users": users.expected,
        "downloads": expected_download,
        "auditing": expected_audit_event,
    }
    for table, expected in expectations.items():
        if table in names:
            compare_collection(context, table, expected)
    if "packages" in names:
        if only is not None and behind is None:
            context.read_licenses()
        with ThreadPoolExecutor(1, thread_name_prefix="verify-read") as pool:
            Packages(context, compared or Compared(), pool).compare()
        if render:
            compare_descriptions(context, render, rendered)
    context.finish()
    users.finish(whole)
    progress.finish()
    return context.found
