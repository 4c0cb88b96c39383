"""What the older releases of another index's projects state: `flask packages import --from-index --every-release`.

A project's document states the facts of one release. Those of another are in the metadata file that an index keeps
beside a wheel, or in the JSON document of the release, which lists its files once more.

Sources: PEP 658 and PEP 714 (metadata files), the JSON API of PyPI.
"""

import hashlib
import json
import logging
import time
from collections.abc import Iterator
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import requests
from packaging.utils import NormalizedName
from requests.adapters import HTTPAdapter
from urllib3 import Retry

from webapp.changes import pypi_json
from webapp.changes.core_metadata import package_from_metadata
from webapp.changes.stating import Statement, keep_better_facts, with_rendered
from webapp.documents import Package, ReleaseFacts
from webapp.documents.release_facts import DOCUMENT
from webapp.rules import naming
from webapp.rules.texts import said_by

TIMEOUT_S = 30
# PyPI's largest document is about 20 MB.
MAX_DOCUMENT_BYTES = 100_000_000
# An index serves others, too: one request at a time, and so much time between two of them.
PAUSE_S = 0.05
ATTEMPTS = 5
# Seconds before the second of these attempts; each pause is twice as long as the one before.
FIRST_PAUSE_S = 1.0


class OlderRelease(NamedTuple):
    """A release of which nothing is known here yet."""

    project: NormalizedName
    version: str
    index_url: str
    as_of: int | None  # the serial of the project's document
    metadata: tuple[str, str] | None  # the address of a wheel's metadata, and their SHA-256


def session() -> requests.Session:
    """Return a connection that waits and tries again when an index asks for that, or is away for a moment."""
    retry = Retry(
        ATTEMPTS, backoff_factor=FIRST_PAUSE_S / 2, status_forcelist=(429, 502, 503, 504), raise_on_status=False
    )
    # Whoever waits sees the progress bar; why it was in vain is said at the end.
    logging.getLogger("urllib3.connectionpool").setLevel(logging.ERROR)
    made = requests.Session()
    for scheme in ("https://", "http://"):
        made.mount(scheme, HTTPAdapter(max_retries=retry))
    return made


def unknown_releases(index_url: str, document: bytes, stored: pypi_json.Imported) -> Iterator[OlderRelease]:
    """Yield the releases in a project's document that have files and of which nothing is known here."""
    listed: dict[str, list[dict[str, Any]]] = json.loads(document).get("releases") or {}
    name, versions = (
        naming.normalize_name(stored.package.name),
        [release.version for release in stored.package.releases],
    )
    known = ReleaseFacts.several(name, versions)
    for version in versions:
        if version != stored.version and known[version] is None and listed.get(version):
            yield OlderRelease(name, version, index_url, stored.as_of, _metadata_file(listed[version]))


def _metadata_file(files: list[dict[str, Any]]) -> tuple[str, str] | None:
    for file in files:
        kept, url = file.get("core-metadata"), file.get("url")
        digest = kept.get("sha256") if isinstance(kept, dict) else None
        if digest and isinstance(url, str) and url.startswith(("https://", "http://")):
            return f"{url}.metadata", str(digest)
    return None


def keep_facts(connection: requests.Session, release: OlderRelease) -> None:
    """Fetch what a release states, and keep it. Raises RefusedDocument, RenderersBusy, and OSError."""
    time.sleep(PAUSE_S)
    said = _from_metadata(connection, release) if release.metadata else None
    said = said or _from_document(connection, release)
    package = Package.to_change(release.project)
    if package:
        statement = Statement(said, DOCUMENT, as_of=release.as_of)
        with_rendered(lambda: keep_better_facts(package, release.version, statement))


def _from_metadata(connection: requests.Session, release: OlderRelease) -> Package | None:
    """Return what a metadata file says, or None if it is not there or not what it should be."""
    url, digest = release.metadata or ("", "")
    try:
        body = fetch(connection, url)
        said = package_from_metadata(body)
    except (pypi_json.RefusedDocument, requests.HTTPError, naming.InvalidName):
        return None
    is_it = hashlib.sha256(body).hexdigest() == digest and said.normalized_name == release.project
    return said if is_it else None


def _from_document(connection: requests.Session, release: OlderRelease) -> Package:
    url = f"{release.index_url}/pypi/{release.project}/{release.version}/json"
    imported = pypi_json.parse(fetch(connection, url))
    if (imported.package.pk, imported.version) != (release.project, release.version):
        raise pypi_json.RefusedDocument(f"{url}: it is about another release")
    return imported.package


def fetch(connection: requests.Session, url: str) -> bytes:
    """Return what is at an address. Raises RefusedDocument and OSError, which requests' own errors are."""
    host = urlsplit(url).netloc.rpartition("@")[2]
    try:
        return _fetched(connection, url)
    except requests.exceptions.ChunkedEncodingError:
        raise ConnectionError(f"{host} broke off before the end") from None
    except requests.ConnectionError as error:
        raise ConnectionError(f"{host} cannot be reached: {_first_cause(error)}") from None


def _first_cause(error: Exception) -> str:
    """Return what the system said: requests and urllib3 wrap it in errors whose messages show their objects."""
    while isinstance(cause := error.__cause__ or error.__context__ or _error_in(error.args), Exception):
        error = cause
    return said_by(error)


def _error_in(values: tuple[Any, ...]) -> BaseException | None:
    return next((each for each in values if isinstance(each, BaseException)), None)


def _fetched(connection: requests.Session, url: str) -> bytes:
    with connection.get(url, timeout=TIMEOUT_S, headers={"Accept": "application/json, */*"}, stream=True) as response:
        if response.status_code == 404:
            raise pypi_json.RefusedDocument(f"{url}: no such project")
        response.raise_for_status()
        body = bytearray()
        for part in response.iter_content(1_000_000):
            body += part
            if len(body) > MAX_DOCUMENT_BYTES:
                raise pypi_json.RefusedDocument(f"{url}: more than {MAX_DOCUMENT_BYTES:,} bytes")
    return bytes(body)
