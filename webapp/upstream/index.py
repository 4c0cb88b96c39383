"""The other index: the names that may be requested from it, its answers, and its files, which are stored here."""

import contextlib
import fnmatch
import hashlib
import logging
import re
import tempfile
from collections.abc import Generator, Iterator, Mapping
from datetime import timedelta
from typing import Any
from urllib.parse import unquote, urlsplit

import bson
from requests import Response
from werkzeug.exceptions import ServiceUnavailable

from config import BadConfig
from webapp.changes.room import DiskFull, check_disk
from webapp.documents import JournalEntry, KnownName, Package, UpstreamFile, UpstreamProject, contents
from webapp.documents.base import Plain, as_declared, is_recent, utc_now
from webapp.documents.hidden import hidden_names
from webapp.documents.package import MAX_PACKAGE_BYTES
from webapp.documents.project_status import is_quarantined
from webapp.rules.archives import BadDistribution
from webapp.rules.attestations import PROVENANCE, BadAttestations, check_provenance
from webapp.rules.wheels import metadata_in
from webapp.serving.slow_clients import waiting_for_upstream
from webapp.upstream.errors import REFUSALS, UpstreamBusy, UpstreamFailed, UpstreamRefused, failure_of
from webapp.upstream.fetching import LEAST_BYTES_PER_S, Fetcher, host_of
from webapp.upstream.pages import ACCEPT, read_page

log = logging.getLogger(__name__)


# PyPI's longest page, with 15,000 files, has about 10 MB.
MAX_PAGE_BYTES = 40_000_000
MAX_METADATA_BYTES = 5_000_000
# PyPI takes two attestations for a file, of 10 kB each.
MAX_PROVENANCE_BYTES = 500_000
# How long it is remembered that the other index does not have a name.
ABSENT_FOR = timedelta(minutes=1)
# A project that nobody has requested for this long is forgotten.
KNOWN_FOR = timedelta(days=180)
_PROVENANCE = " for provenance"
_PATTERN = re.compile(r"[a-z0-9*?-]+", re.ASCII)


def from_config(config: Mapping[str, Any]) -> "Index | None":
    """Return the index in the settings, or None. Raises BadConfig."""
    patterns = [re.sub(r"[-_.]+", "-", text.strip()).lower() for text in config["RESERVED_NAMES"].split(",")]
    patterns = [pattern for pattern in patterns if pattern]
    for pattern in patterns:
        if not _PATTERN.fullmatch(pattern):
            raise BadConfig(
                f"RESERVED_NAMES has {pattern!r}; it must be names or patterns, such as acme-*, with commas"
            )
    address = config["UPSTREAM_INDEX"]
    if not address:
        return None
    try:
        parts = urlsplit(address)
        host, port = parts.hostname, parts.port
    except ValueError:
        host = None
    if host is None or parts.scheme not in ("http", "https"):
        raise BadConfig("UPSTREAM_INDEX must be the address of a simple index, such as https://pypi.org/simple/")
    # The user name and password are sent only to this origin, and are in no stored address.
    auth = (unquote(parts.username), unquote(parts.password or "")) if parts.username else None
    origin = f"{parts.scheme}://{host}{f':{port}' if port else ''}"
    return Index(
        f"{origin}{parts.path.rstrip('/')}/",
        reserved=patterns,
        cooldown=timedelta(days=config["UPSTREAM_COOLDOWN_DAYS"]),
        max_age=timedelta(seconds=config["UPSTREAM_MAX_AGE_S"]),
        max_file_bytes=config["UPSTREAM_MAX_FILE_BYTES"],
        max_bytes=config["UPSTREAM_MAX_BYTES"],
        fetcher=Fetcher(
            config["UPSTREAM_TIMEOUT_S"],
            origin,
            auth,
            hosts=[host, *(each.strip().lower() for each in config["UPSTREAM_FILE_HOSTS"].split(",") if each.strip())],
        ),
    )


class Index:
    """Another index, for projects that are not here."""

    def __init__(
        self,
        address: str,
        *,
        reserved: list[str],
        cooldown: timedelta,
        max_age: timedelta,
        max_file_bytes: int,
        max_bytes: int,
        fetcher: Fetcher,
    ) -> None:
        self.host = host_of(address)
        self._address = address
        self._reserved = reserved
        self._cooldown = cooldown
        self._max_age = max_age
        self._max_file_bytes = max_file_bytes
        self._max_bytes = max_bytes
        self._fetcher = fetcher

    def page_of(self, normalized_name: str) -> str:
        """Return the address of a project's page there, for readers; PyPI has a better one than its simple index."""
        if self._address == "https://pypi.org/simple/":
            return f"https://pypi.org/project/{normalized_name}/"
        return f"{self._address}{normalized_name}/"

    def refusal(self, normalized_name: str) -> str | None:
        """Return why a name is never requested from upstream, or None.

        Whoever published a private project's name there could have their code installed instead of ours. So a name that
        is or was here, or that the operator reserved, is never requested (dependency confusion).
        """
        if any(fnmatch.fnmatchcase(normalized_name, pattern) for pattern in self._reserved):
            return f"{normalized_name} is a reserved name: it is looked for only here."
        # Through `raw`, because a queryset takes as long as its answer, and each file that is installed needs these.
        is_here = Package.objects.raw().find_one({"_id": normalized_name}, {"_id": 1})
        if is_here and normalized_name not in hidden_names():
            return f"{normalized_name} is a project of this site."
        # A project that is hidden from the reader counts as one that was here.
        is_known = is_here or KnownName.objects.raw().find_one({"_id": normalized_name})
        if is_known or JournalEntry.objects.raw().find_one({"package": normalized_name}, {"_id": 1}):
            return f"{normalized_name} was a project of this site, so it is looked for only here."
        return None

    def project(self, normalized_name: str) -> Plain | None:
        """Return what is known about a project, {files, versions, status}, or None if the other index does not have it.

        The stored page is used while the other index is away. Raises UpstreamFailed if there is none.
        """
        kept = UpstreamProject.objects.plain_one(normalized_name)
        if kept is None or self._is_old(kept):
            kept = self._asked_again(normalized_name, kept)
        if kept.get("is_absent"):
            return None
        files = [] if is_quarantined(kept) else [file for file in kept.get("files", []) if self._is_old_enough(file)]
        return {"files": files, "versions": kept.get("versions", []), "status": kept.get("status", {})}

    def file(self, normalized_name: str, filename: str, sha256: str | None = None) -> Plain | None:
        """Return the file with this name, and this digest if it is given, as the project's page describes it, or None.

        If the page is recent, the server looks for the file: some projects list 15,000.
        """
        wanted = {"filename": filename} | ({"sha256": sha256} if sha256 else {})
        fields: Plain = {"files": {"$elemMatch": wanted}, "checked_at": 1, "is_absent": 1, "status": 1}
        son = UpstreamProject.objects.raw().find_one({"_id": normalized_name}, fields)
        project: Plain | None = as_declared(UpstreamProject, son)
        if not project or self._is_old(project):
            project = self.project(normalized_name)
        if not project or is_quarantined(project):
            return None
        listed = [file for file in project.get("files", []) if self._is_old_enough(file)]
        return next((file for file in listed if wanted.items() <= file.items()), None)

    def open_file(self, file: Plain) -> Response:
        """Return the other index's answer with a file, before its body is read. Raises UpstreamFailed."""
        if file.get("size", 0) > self._max_file_bytes:
            self._refuse_size(file["filename"])
        answer = self._fetcher.open(file["url"], {"Accept-Encoding": "identity"})
        if answer.status_code != 200:
            answer.close()
            raise failure_of(host_of(file["url"]), answer, file["filename"])
        size, length = file.get("size"), length_of(answer)
        if None not in (size, length) and length != size:
            # Its digest cannot be right, so nothing is passed on.
            answer.close()
            raise UpstreamFailed(f"{host_of(file['url'])} has {length} bytes of {file['filename']} instead of {size}")
        if (length or 0) > self._max_file_bytes:
            answer.close()
            self._refuse_size(file["filename"])
        return answer

    def store_passing(self, normalized_name: str, file: Plain, answer: Response) -> Generator[bytes, None, None]:
        """Pass the bytes of a file on, and store them if they are complete and have the right digest.

        The last bytes are held back until then, so nobody gets a complete wrong file. Raises UpstreamFailed.
        """
        try:
            check_disk(file.get("size", 0))
        except DiskFull:
            log.warning("%s is passed on without being kept: the disk of the database is nearly full", file["filename"])
            with contextlib.closing(answer):
                yield from _last_held_back(self._checked(file, answer))
            return
        content_id = bson.ObjectId()

        def keep(length: int) -> bool:
            kept = {
                "filename": file["filename"],
                "package": normalized_name,
                "size": bson.Int64(length),
                "content_id": content_id,
                "kept_at": utc_now(),
            }
            # Another process may have stored its own copy in the meantime.
            return UpstreamFile.store_part(file["sha256"], "content_id", kept, length, self._max_bytes)

        try:
            yield from contents.store_passing(content_id, file["filename"], self._checked(file, answer), keep)
        except UpstreamFailed as error:
            log.warning("%s is not kept: %s", file["filename"], error)
            raise
        finally:
            answer.close()

    def metadata(self, normalized_name: str, file: Plain) -> str:
        """Return the core metadata of a file, and store it. Raises UpstreamFailed."""
        kept = UpstreamFile.objects.plain_one(file["sha256"], {"metadata": 1, "used_at": 1})
        if kept and "metadata" in kept:
            UpstreamFile.note_use(kept)
            return str(kept["metadata"])
        with self._fetcher.open(_metadata_url(file["url"]), {}) as answer:
            # Object stores answer 403 for what does not exist.
            is_there = answer.status_code not in REFUSALS
            if is_there and answer.status_code != 200:
                raise failure_of(self.host, answer, f"{file['filename']}.metadata")
            body = self._fetcher.read(answer, MAX_METADATA_BYTES) if is_there else b""
        if not is_there:
            body = self._metadata_in(normalized_name, file)
        if hashlib.sha256(body).hexdigest() != file["metadata_sha256"]:
            self._promise_no_metadata(normalized_name, file)
            raise UpstreamFailed(f"{self.host} sent metadata of {file['filename']} that does not match its digest")
        try:
            text = body.decode()
        except UnicodeDecodeError:
            raise UpstreamFailed(f"{self.host} sent metadata of {file['filename']} that is not UTF-8") from None
        kept = {"filename": file["filename"], "package": normalized_name, "metadata": text}
        UpstreamFile.store_part(file["sha256"], "metadata", kept, len(body), self._max_bytes)
        return text

    def provenance(self, normalized_name: str, file: Plain, *, is_urgent: bool = False) -> str:
        """Return the provenance of a file as the other index sent it, and store it. Raises UpstreamFailed.

        Empty if there is none, although the project's page says so; that is stored, too.
        """
        kept = UpstreamFile.objects.plain_one(file["sha256"], {"provenance": 1, "used_at": 1})
        if kept and "provenance" in kept:
            UpstreamFile.note_use(kept)
            return str(kept["provenance"])
        headers = {"Accept": f"{PROVENANCE}, application/json;q=0.1"}
        # Nobody installs less because of it, so what is wrong with it has no effect on other requests.
        with self._fetcher.open(file["provenance_url"], headers, is_urgent=is_urgent, purpose=_PROVENANCE) as answer:
            is_there = answer.status_code not in (404, 410)
            if is_there and answer.status_code != 200:
                raise failure_of(host_of(answer.url), answer, f"the provenance of {file['filename']}")
            body = self._fetcher.read(answer, MAX_PROVENANCE_BYTES) if is_there else b""
        try:
            text = body.decode()
            if is_there:
                check_provenance(body, file["sha256"])
        except (BadAttestations, UnicodeDecodeError) as error:
            raise UpstreamFailed(f"{self.host} sent no provenance of {file['filename']}: {error}") from None
        stored = {"filename": file["filename"], "package": normalized_name, "provenance": text}
        UpstreamFile.store_part(file["sha256"], "provenance", stored, len(body), self._max_bytes)
        return text

    def keep_provenance(self, normalized_name: str, file: Plain) -> None:
        """Store the provenance of a file that is stored, so that it is here even if the other index is not."""
        sha256 = file["sha256"]
        if "provenance_url" not in file or not UpstreamFile.objects(pk=sha256, content_id__ne=None).count_up_to(1):
            return
        try:
            self.provenance(normalized_name, file, is_urgent=True)
        except UpstreamFailed as error:
            if isinstance(error, UpstreamBusy):
                self._fetcher.leave_alone(host_of(file["provenance_url"]) + _PROVENANCE)
            log.warning("the provenance of %s is not kept: %s", file["filename"], error)

    def _metadata_in(self, normalized_name: str, file: Plain) -> bytes:
        """Return the core metadata in a wheel, for an index that does not offer it separately. The wheel is stored."""
        kept = UpstreamFile.objects.plain_one(file["sha256"], {"content_id": 1, "size": 1}) or {}
        with tempfile.TemporaryFile() as wheel:
            if "content_id" in kept and "size" in kept:
                wheel.writelines(contents.Reader(kept["content_id"], kept["size"]))
            else:
                answer = self.open_file(file)
                with waiting_for_upstream():
                    wheel.writelines(self.store_passing(normalized_name, file, answer))
            try:
                return metadata_in(wheel, MAX_METADATA_BYTES)
            except BadDistribution as error:
                raise UpstreamFailed(f"{file['filename']} of {self.host} has no metadata: {error}") from None

    def _promise_no_metadata(self, normalized_name: str, file: Plain) -> None:
        """Forget a wrong digest, or the wheel could not be installed; without one, installers read the wheel itself."""
        listed = {"$elemMatch": {"sha256": file["sha256"], "metadata_sha256": file["metadata_sha256"]}}
        UpstreamProject.objects.raw().update_one(
            {"_id": normalized_name, "files": listed}, {"$unset": {"files.$.metadata_sha256": ""}}
        )

    def _is_old(self, kept: Plain) -> bool:
        age = ABSENT_FOR if kept.get("is_absent") else self._max_age
        return "checked_at" not in kept or not is_recent(kept["checked_at"], age)

    def _is_old_enough(self, file: Plain) -> bool:
        """Tell whether a file is past its cooldown; a file without a date never is."""
        if not {"filename", "sha256", "url"} <= file.keys():
            return False  # from a manual edit
        return not self._cooldown or ("uploaded_at" in file and utc_now() - file["uploaded_at"] >= self._cooldown)

    def _asked_again(self, normalized_name: str, kept: Plain | None) -> Plain:
        try:
            return self._ask(normalized_name, kept)
        except (UpstreamFailed, ServiceUnavailable) as error:  # or too many requests are waiting for it
            # What is forbidden or gone there is not served from storage; wrong credentials say nothing about a project.
            is_word = isinstance(error, UpstreamRefused) and error.status != 401
            if kept is None or kept.get("is_absent") or is_word:
                raise
            log.warning("%s is served as it was known before: %s", normalized_name, error)
            return kept

    def _ask(self, normalized_name: str, kept: Plain | None) -> Plain:
        headers = {"Accept": ACCEPT}
        if kept and "etag" in kept and not kept.get("is_absent"):
            headers["If-None-Match"] = kept["etag"]
        projects = UpstreamProject.objects.raw()
        now = utc_now()
        is_known = kept is not None and not kept.get("is_absent")
        with self._fetcher.open(f"{self._address}{normalized_name}/", headers, is_urgent=is_known) as answer:
            if answer.status_code == 304 and kept:
                asked = {"checked_at": now, "expires_at": now + KNOWN_FOR}
                projects.update_one({"_id": normalized_name}, {"$set": asked})
                return kept
            if answer.status_code == 404:
                absent: Plain = {"is_absent": True, "checked_at": now, "expires_at": now + ABSENT_FOR}
                projects.replace_one({"_id": normalized_name}, absent, upsert=True)
                return absent
            if answer.status_code != 200:
                raise failure_of(self.host, answer, normalized_name)
            body = self._fetcher.read(answer, MAX_PAGE_BYTES, is_urgent=is_known)
            page = read_page(body, answer.headers.get("Content-Type", ""), answer.url, normalized_name)
            found: Plain = {"files": page.files, "versions": page.versions, "checked_at": now}
            found["expires_at"] = now + KNOWN_FOR
            if page.status:
                found["status"] = page.status
            if etag := answer.headers.get("ETag"):
                found["etag"] = etag
        self._keep(normalized_name, found)
        return found

    def _keep(self, normalized_name: str, found: Plain) -> None:
        document = {"_id": normalized_name, **found, "files": [_sized(file) for file in found["files"]]}
        if len(bson.encode(document)) > MAX_PACKAGE_BYTES:
            log.warning("%s has too many files upstream to be kept; it is asked for each time", normalized_name)
            return
        UpstreamProject.objects.raw().replace_one({"_id": normalized_name}, document, upsert=True)

    def _checked(self, file: Plain, answer: Response) -> Iterator[bytes]:
        """Yield the bytes of a file as they arrive. Raises UpstreamFailed if they are not what was promised."""
        size, digest, length = file.get("size"), hashlib.sha256(), 0
        most = self._max_file_bytes if size is None else size
        for part in self._fetcher.parts(answer, 30 + most / LEAST_BYTES_PER_S):
            length += len(part)
            if length > most:
                if size is None:
                    self._refuse_size(file["filename"])
                break
            digest.update(part)
            yield part
        if (size is not None and length != size) or digest.hexdigest() != file["sha256"]:
            raise UpstreamFailed(f"{host_of(file['url'])} sent other bytes than its digest of {file['filename']} says")

    def _refuse_size(self, filename: str) -> None:
        raise UpstreamFailed(f"{filename} is larger than the {self._max_file_bytes:,} bytes that are accepted")


def length_of(answer: Response) -> int | None:
    """Return how many bytes an answer says that it has; None if it does not, or no file has so many."""
    text = answer.headers.get("Content-Length", "")
    return int(text) if re.fullmatch("[0-9]{1,18}", text) else None


def _last_held_back(parts: Iterator[bytes]) -> Iterator[bytes]:
    """Yield each part when the next one has come, and the last one at the end."""
    held = b""
    for part in parts:
        if held:
            yield held
        held = part
    yield held


def _metadata_url(url: str) -> str:
    """Return the address of a file's core metadata: `.metadata` is appended to the path (PEP 658)."""
    path, mark, query = url.partition("?")
    return f"{path}.metadata{mark}{query}"


def _sized(file: Plain) -> Plain:
    return file | {"size": bson.Int64(file["size"])} if "size" in file else file
