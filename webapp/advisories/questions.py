"""Read the queries that clients of OSV send."""

import base64
import binascii
import re
from typing import Any, NamedTuple
from urllib.parse import unquote

from webapp.rules import naming, osv

MAX_QUERIES = 1000
# "pkg:pypi/flask@3.0.3?file_name=..." (https://github.com/package-url/purl-spec)
_PURL = re.compile(r"pkg:/*(?P<type>[^/]+)/(?P<name>[^@?#]+)(?:@(?P<version>[^?#]*))?(?:[?#].*)?", re.DOTALL)


class BadQuery(ValueError):
    """The query is not one that OSV answers; the message says why."""


class Query(NamedTuple):
    """A project, optionally with a version and a place to continue from. Without a `name`, nothing matches."""

    name: str | None
    version: str | None
    after: str  # the id of the last advisory of the page before

    @property
    def key(self) -> str | None:
        """The sort key of the version."""
        return None if self.version is None else osv.sort_key(self.version)


def batch_of(body: Any) -> list[Query]:
    """Return the queries of a batch. Raises BadQuery."""
    queries = body.get("queries") if isinstance(body, dict) else None
    if not isinstance(queries, list):
        raise BadQuery("Invalid query: `queries` is not a list.")
    if len(queries) > MAX_QUERIES:
        raise BadQuery(f"Too many queries: at most {MAX_QUERIES} are answered at a time.")
    return [query_of(each) for each in queries]


def query_of(body: Any) -> Query:
    """Return one query. Raises BadQuery."""
    if not isinstance(body, dict):
        raise BadQuery("Invalid query: it is not a JSON object.")
    version, commit, package = _text(body, "version"), _text(body, "commit"), body.get("package") or {}
    if not isinstance(package, dict):
        raise BadQuery("Invalid query: `package` is not an object.")
    name, ecosystem, purl = (_text(package, field) for field in ("name", "ecosystem", "purl"))
    if version and commit:
        raise BadQuery("Invalid query: a query has a version or a commit, not both.")
    if purl:
        if name or ecosystem:
            raise BadQuery("Invalid query: a package has a purl, or a name and an ecosystem, not both.")
        name, ecosystem, of_purl = _of_purl(purl)
        if version and of_purl:
            raise BadQuery("Invalid query: the version is in the purl and in `version`.")
        version = version or of_purl
    elif bool(name) != bool(ecosystem):
        raise BadQuery("Invalid query: a package has a name and an ecosystem.")
    elif not name and not commit:
        raise BadQuery("Invalid query: it names no package.")
    if ecosystem != osv.ECOSYSTEM and ecosystem.lower() == osv.ECOSYSTEM.lower():
        raise BadQuery(f"Invalid ecosystem: it is written {osv.ECOSYSTEM}.")
    token = body.get("page_token")
    return Query(_normalized(name, ecosystem), version or None, after_of(token) if token else "")


def page_token(advisory_id: str) -> str:
    """Return the token of the page that begins after this advisory; "" is before the first."""
    return base64.urlsafe_b64encode(f"after:{advisory_id}".encode()).decode()


def after_of(token: Any) -> str:
    """Return the id that a page token stands for. Raises BadQuery."""
    try:
        prefix, _, advisory_id = base64.urlsafe_b64decode(str(token).encode()).decode().partition(":")
    except (binascii.Error, UnicodeError):
        prefix, advisory_id = "", ""
    if prefix != "after" or len(advisory_id) > osv.MAX_ID_LENGTH:
        raise BadQuery("Invalid page token.")
    return advisory_id


def _text(parent: dict[str, Any], field: str) -> str:
    value = parent.get(field)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise BadQuery(f"Invalid query: `{field}` is not text.")
    return value


def _of_purl(purl: str) -> tuple[str, str, str]:
    """Return the name, the ecosystem and the version of a package URL."""
    match = _PURL.fullmatch(purl)
    if match is None:
        raise BadQuery("Invalid query: the purl cannot be read.")
    ecosystem = osv.ECOSYSTEM if match["type"].lower() == "pypi" else match["type"]
    return unquote(match["name"].strip("/")), ecosystem, unquote(match["version"] or "")


def _normalized(name: str, ecosystem: str) -> str | None:
    """Return the normalized name, or None if the package is of another ecosystem or cannot be one of PyPI."""
    if ecosystem != osv.ECOSYSTEM:
        return None
    try:
        return naming.normalize_name(name)
    except naming.InvalidName:
        return None
