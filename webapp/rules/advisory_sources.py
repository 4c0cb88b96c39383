"""Where advisories come from, and under which licence."""

from collections.abc import Mapping
from typing import Any, NamedTuple


class Source(NamedTuple):
    """A database of advisories."""

    name: str
    url: str = ""
    licence: str = ""


OWN = Source("this site’s operators")
OSV = Source("OSV", "https://osv.dev")
# By the first part of their ids.
SOURCES = {
    "PYSEC": Source("PyPA advisory database", "https://github.com/pypa/advisory-database", "CC-BY 4.0"),
    "GHSA": Source("GitHub advisory database", "https://github.com/github/advisory-database", "CC-BY 4.0"),
    "MAL": Source("OpenSSF malicious packages", "https://github.com/ossf/malicious-packages", "Apache-2.0"),
}


def source_of(advisory: Mapping[str, Any]) -> Source:
    """Return where an advisory comes from."""
    if advisory.get("is_own"):
        return OWN
    return SOURCES.get(str(advisory["id"]).partition("-")[0], OSV)


def described() -> list[dict[str, Any]]:
    """Return the sources of a dump, as pages show them."""
    return [source._asdict() for source in SOURCES.values()]
