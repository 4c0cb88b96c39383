"""Parse the pages of the other index: the Simple API as JSON (PEP 691, PEP 700) or HTML (PEP 503, 592, 629, 658).

Files that do not follow the standards are left out; a page that is not one at all is refused. No library is used,
because `pypi-simple` would bring pydantic and BeautifulSoup along for a page of code.
"""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from html.parser import HTMLParser
from typing import Any, NamedTuple, TypeGuard
from urllib.parse import unquote, urldefrag, urljoin

from webapp.documents.base import Plain
from webapp.documents.project_status import KEPT
from webapp.rules import naming
from webapp.rules.sdists import ENDINGS
from webapp.rules.texts import is_encodable
from webapp.serving.filters import safe_link
from webapp.upstream.errors import UpstreamFailed

ACCEPT = "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.1"
# Signed addresses of object stores have a few thousand characters.
MAX_URL_LENGTH = 20_000
MAX_FILES = 50_000
# Media types that do not name the API and its version.
NOT_PAGES = ("application/json", "application/octet-stream")
MAX_REASON_LENGTH = 1000
_STATUS_METAS = {"pypi:project-status": "status", "pypi:project-status-reason": "reason"}
_FILENAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+!-]{0,254}", re.ASCII)
_SHA256 = re.compile(r"[0-9a-f]{64}", re.ASCII)


class Page(NamedTuple):
    """A project's page: its files, as `ReleaseFile` has them, its versions, and its status."""

    files: list[Plain]
    versions: list[str]
    status: Plain  # as in `ProjectStatus`; empty for an active project


def read_page(body: bytes, content_type: str, address: str, normalized_name: str) -> Page:
    """Parse a page. Raises UpstreamFailed if it is not a page of the Simple API, or belongs to another project.

    Files without a SHA-256 are left out, because their bytes could not be verified.
    """
    try:
        kind = content_type.partition(";")[0].strip().lower()
        if kind in NOT_PAGES:
            raise UpstreamFailed(f"the other index sent {kind}, which is not a page of the Simple API (PEP 691)")
        if kind.endswith("json"):
            described, versions, status = _described_by_json(json.loads(body), normalized_name)
        else:
            described, status = _described_by_html(body.decode("utf-8", "replace"), address)
            versions = []
    except (ValueError, RecursionError):
        raise UpstreamFailed("the other index sent a page that cannot be read") from None
    if len(described) > MAX_FILES:
        raise UpstreamFailed(f"the other index lists more than {MAX_FILES:,} files")
    files = {file["filename"]: file for each in described if (file := _file(each, address))}
    if not files and any(_lacks_sha256(each) for each in described):
        has_md5 = any(_has_md5(each) for each in described)
        digests = "with MD5 digests only" if has_md5 else "without digests"
        raise UpstreamFailed(
            f"the other index lists files of {normalized_name} {digests}; without SHA-256 nobody can tell whether "
            "their bytes are the right ones"
        )
    return Page(list(files.values()), versions, _status(status))


def _described_by_json(page: Any, normalized_name: str) -> tuple[list[Plain], list[str], Any]:
    if not isinstance(page, dict) or not isinstance(page.get("files"), list):
        raise ValueError("no list of files")
    meta = page.get("meta")
    _check_version(meta.get("api-version") if isinstance(meta, dict) else None)
    if naming.normalize_name(str(page.get("name", normalized_name))) != normalized_name:
        raise ValueError("a page of another project")
    versions = page.get("versions")
    texts = [text for text in versions if _is_text(text)] if isinstance(versions, list) else []
    return [file for file in page["files"] if isinstance(file, dict)], texts, page.get("project-status")


def _described_by_html(text: str, address: str) -> tuple[list[Plain], Plain]:
    reader = _Links()
    reader.feed(text)
    if reader.version is not None:
        _check_version(reader.version)
    described = list(reader.described())
    if reader.version is None and not any(_file(each, address) or _lacks_sha256(each) for each in described):
        # A sign-in page, for instance, must not be taken for a project without files.
        raise ValueError("no page of the Simple API")
    return described, reader.status


class _Links(HTMLParser):
    """Collects the links of a page, and the API version that it declares."""

    def __init__(self) -> None:
        super().__init__()
        self.version: str | None = None
        self.status: dict[str, str] = {}  # PEP 792, as in JSON
        self._base = ""
        self._links: list[dict[str, str]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Collect the relevant tags."""
        values = {name: value or "" for name, value in attrs}
        if tag == "meta" and values.get("name") == "pypi:repository-version":
            self.version = values.get("content", "")
        elif tag == "meta" and values.get("name") in _STATUS_METAS:
            self.status[_STATUS_METAS[values["name"]]] = values.get("content", "")
        elif tag == "base":
            self._base = values.get("href", "")
        elif tag == "a" and "href" in values:
            self._links.append(values)

    def described(self) -> Iterator[Plain]:
        """Yield each link to a file in the form of JSON."""
        for link in self._links:
            url, fragment = _joined(self._base, link["href"])
            hashes = dict(part.split("=", 1) for part in fragment.split("&") if "=" in part)
            metadata = link.get("data-core-metadata", link.get("data-dist-info-metadata", ""))
            yield {
                "filename": unquote(url.partition("?")[0].rpartition("/")[2]),
                "url": url,
                "hashes": {kind.lower(): digest for kind, digest in hashes.items()},
                "requires-python": link.get("data-requires-python"),
                "yanked": link["data-yanked"] or True if "data-yanked" in link else False,
                "core-metadata": {"sha256": metadata.removeprefix("sha256=")},
                "provenance": link.get("data-provenance"),
            }


def _check_version(version: Any) -> None:
    """Refuse a page of a newer version, as PEP 629 requires."""
    if version is not None and str(version).partition(".")[0] != "1":
        raise ValueError("another version of the Simple API")


def _file(described: Plain, address: str) -> Plain | None:
    filename, url, hashes = described.get("filename"), described.get("url"), described.get("hashes")
    sha256 = hashes.get("sha256") if isinstance(hashes, dict) else None
    sha256 = sha256.lower() if isinstance(sha256, str) else None
    if not _is_text(filename) or not _FILENAME.fullmatch(filename) or not _is_digest(sha256) or not _is_text(url):
        return None
    url = safe_link(_joined(address, url)[0])
    if not url or len(url) > MAX_URL_LENGTH:
        return None
    file: Plain = {"filename": filename, "url": url, "sha256": sha256}
    size, yanked, requires = described.get("size"), described.get("yanked"), described.get("requires-python")
    provenance = described.get("provenance")
    if isinstance(size, int) and not isinstance(size, bool) and 0 <= size < 2**63:
        file["size"] = size
    if uploaded_at := _moment(described.get("upload-time")):
        file["uploaded_at"] = uploaded_at
    if _is_text(requires) and requires.isprintable():
        file["requires_python"] = requires[:MAX_REASON_LENGTH]
    if yanked:
        file |= {"yanked": True, "yanked_reason": yanked[:MAX_REASON_LENGTH] if _is_text(yanked) else ""}
    metadata = described.get("core-metadata", described.get("dist-info-metadata"))
    metadata_sha256 = metadata.get("sha256") if isinstance(metadata, dict) else None
    metadata_sha256 = metadata_sha256.lower() if isinstance(metadata_sha256, str) else None
    # An sdist's metadata may lack its requirements, and installers would believe that it has none.
    if filename.endswith(".whl") and _is_digest(metadata_sha256):
        file["metadata_sha256"] = metadata_sha256
    provenance = safe_link(_joined(address, provenance)[0]) if _is_text(provenance) and provenance else ""
    if provenance and len(provenance) <= MAX_URL_LENGTH:
        file["provenance_url"] = provenance
    return file


def _status(described: Any) -> Plain:
    """Return the status of a project, as in `ProjectStatus`; some indexes send a string instead of an object."""
    if _is_text(described):
        described = {"status": described}
    if not isinstance(described, dict) or described.get("status") not in KEPT:
        return {}
    reason = described.get("reason")
    return {"marker": described["status"]} | ({"reason": reason[:MAX_REASON_LENGTH]} if _is_text(reason) else {})


def _lacks_sha256(described: Plain) -> bool:
    filename, hashes = described.get("filename"), described.get("hashes")
    is_file = isinstance(filename, str) and filename.endswith((".whl", *ENDINGS))
    return is_file and isinstance(hashes, dict) and "sha256" not in hashes


def _has_md5(described: Plain) -> bool:
    hashes = described.get("hashes")
    return isinstance(hashes, dict) and "md5" in hashes


def _joined(address: str, url: str) -> tuple[str, str]:
    """Return a link as an absolute address, and its fragment; both empty if it is invalid."""
    try:
        joined = urldefrag(urljoin(address, url))
    except ValueError:
        return "", ""
    return joined.url, joined.fragment


def _moment(text: Any) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
    except (TypeError, ValueError):
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000) if 1990 < moment.year < 9000 else None


def _is_digest(value: Any) -> TypeGuard[str]:
    return isinstance(value, str) and bool(_SHA256.fullmatch(value))


def _is_text(value: Any) -> TypeGuard[str]:
    return isinstance(value, str) and "\x00" not in value and is_encodable(value)
