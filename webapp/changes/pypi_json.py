"""Documents of PyPI's JSON API to Package documents.

Source of the format: PyPI's `/pypi/<name>/json`. Oddities in a document are reported and left out, and the rest is
imported; a document without a valid name or list of releases is refused.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from webapp.changes.changing import Act, enter, write_out_of
from webapp.changes.rendering import render_into, stored_rendering
from webapp.changes.stating import DESCRIPTION, Statement, show_latest, state, with_rendered
from webapp.documents import License, Package, ProgrammingLanguage, Release, ReleaseFile
from webapp.documents.base import utc_now
from webapp.documents.package import ConcurrentChange
from webapp.documents.release import MAX_INT64
from webapp.documents.release_facts import DOCUMENT, STATED
from webapp.rules import naming
from webapp.rules.metadata import NO_KEY, split_keywords
from webapp.rules.texts import is_encodable

# Python's package index started in 2003; nothing was uploaded before, and nothing is from the future.
EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
# Versions appear in addresses and on command lines.
_UNUSABLE_VERSION = re.compile(r"[\s/\\?#%<>\"']|^\.+$")
ATTEMPTS = 5


class RefusedDocument(ValueError):
    """The document cannot become a package; the message says why."""


@dataclass
class Imported:
    """A package made from a document, and its oddities, one sentence each."""

    package: Package
    remarks: list[str] = field(default_factory=list)
    version: str | None = None  # the release that it describes
    as_of: int | None = None  # the serial of the document

    def store(self) -> bool:
        """Store the package; True if it was new. Raises what the function `store` raises."""
        return store(self.package, about=self.version, as_of=self.as_of)


def parse(text: str | bytes) -> Imported:
    """Return the package that a PyPI JSON document describes. Raises RefusedDocument."""
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise RefusedDocument(f"no JSON: {error}") from None
    return package_from_document(document)


def package_from_document(document: Any) -> Imported:
    """Return the package that a decoded PyPI JSON document describes. Raises RefusedDocument."""
    if not isinstance(document, dict) or not isinstance(document.get("info"), dict):
        raise RefusedDocument("it has no `info`")
    info = _Reader(document["info"], "info")
    name = info.text("name").strip()
    try:
        normalized_name = naming.normalize_name(name)
    except naming.InvalidName as error:
        raise RefusedDocument(f"no usable name: {error}") from None
    version = info.text("version")
    # The document of a single release lists only its own files.
    releases = document.get("releases") or ({version: document["urls"]} if document.get("urls") and version else None)
    if releases is None:
        releases = document.get("releases")
    if not isinstance(releases, dict):
        raise RefusedDocument("its `releases` is not a mapping of versions to files")
    package = Package(
        normalized_name=normalized_name,
        name=name,
        summary=info.text("summary"),
        description=info.text("description"),
        description_content_type=info.text("description_content_type") or None,
        home_page=info.text("home_page"),
        docs_url=info.text("docs_url") or None,
        package_url=info.text("package_url") or None,
        project_urls=info.texts_by_name("project_urls"),
        download_url=info.text("download_url") or None,
        bugtrack_url=info.text("bugtrack_url") or None,
        author_name=info.text("author"),
        author_email=info.text("author_email"),
        maintainer_name=info.text("maintainer") or None,
        maintainer_email=info.text("maintainer_email") or None,
        license=info.text("license"),
        license_expression=info.text("license_expression") or None,
        license_files=info.texts("license_files"),
        keywords=split_keywords(info.text("keywords")),
        platform=info.text("platform") or None,
        dynamic=info.texts("dynamic"),
        classifiers=info.texts("classifiers"),
        requires_python=info.text("requires_python") or None,
        requires_dist=info.texts("requires_dist"),
        provides_extra=info.texts("provides_extra"),
    )
    remarks = info.remarks
    package.releases = list(_releases(releases, remarks))
    serial = document.get("last_serial")
    as_of = serial if isinstance(serial, int) and not isinstance(serial, bool) and 0 <= serial <= MAX_INT64 else None
    is_listed = any(release.version == version for release in package.releases)
    return Imported(package, remarks, version if is_listed else None, as_of)


def _releases(releases: dict[str, Any], remarks: list[str]) -> Iterator[Release]:
    for version, files in releases.items():
        if not _is_usable(version):
            remarks.append(f"release {version[:100]!r} left out: this is not a version")
            continue
        if not isinstance(files, list):
            remarks.append(f"release {version}: its files are not a list")
            files = []
        if naming.parse_version(version) is None:
            remarks.append(f"release {version}: PEP 440 cannot parse this version; it is kept below all others")
        yield _release(version, list(_files(version, files, remarks)))


def _is_usable(version: str) -> bool:
    return (
        0 < len(version) <= naming.MAX_VERSION_LENGTH
        and version.isprintable()  # lone surrogates are not printable
        and not _UNUSABLE_VERSION.search(version)
    )


def _release(version: str, files: list[ReleaseFile]) -> Release:
    release = Release(version=version, files=files)
    release.sum_up()
    return release


def _files(version: str, files: list[Any], remarks: list[str]) -> Iterator[ReleaseFile]:
    for number, raw in enumerate(files):
        where = f"release {version}, file {number + 1}"
        reader = _Reader(raw if isinstance(raw, dict) else {}, where)
        filename = reader.text("filename")
        if not filename:
            remarks.append(f"{where} left out: it has no file name")
            continue
        digests = _Reader(reader.mapping("digests"), where)
        yield ReleaseFile(
            filename=filename,
            url=reader.text("url") or None,
            size=reader.size("size"),
            packagetype=reader.text("packagetype") or None,
            python_version=reader.text("python_version") or None,
            sha256=digests.digest("sha256", 64),
            md5=digests.digest("md5", 32) or reader.digest("md5_digest", 32),
            blake2b_256=digests.digest("blake2b_256", 64),
            uploaded_at=reader.date("upload_time_iso_8601", "upload_time"),
            requires_python=reader.text("requires_python") or None,
            yanked=reader.mark("yanked"),
            yanked_reason=reader.text("yanked_reason") or None,
            comment=reader.text("comment_text") or None,
        )
        remarks += reader.remarks + digests.remarks


class _Reader:
    """Reads values of the expected type from a mapping, and reports others."""

    def __init__(self, raw: dict[str, Any], where: str) -> None:
        self._raw = raw
        self._where = where
        self.remarks: list[str] = []

    def odd(self, key: str, expected: str) -> None:
        self.remarks.append(f"{self._where}: `{key}` left out: it is not {expected}")

    def text(self, key: str) -> str:
        value = self._raw.get(key)
        if value is None:
            return ""
        if not isinstance(value, str) or not is_encodable(value):
            self.odd(key, "text")
            return ""
        return value

    def texts(self, key: str) -> list[str]:
        value = self._raw.get(key)
        if value is None:
            return []
        if not isinstance(value, list) or not all(isinstance(item, str) and is_encodable(item) for item in value):
            self.odd(key, "a list of texts")
            return []
        return list(dict.fromkeys(value))

    def texts_by_name(self, key: str) -> dict[str, str]:
        value = self._raw.get(key)
        if value is None:
            return {}
        if not isinstance(value, dict) or not all(
            isinstance(text, str) and is_encodable(name + text) and not NO_KEY.search(name)
            for name, text in value.items()
        ):
            self.odd(key, "a mapping of names to texts")
            return {}
        return dict(value)

    def mapping(self, key: str) -> dict[str, Any]:
        value = self._raw.get(key)
        if value is None:
            return {}
        if not isinstance(value, dict):
            self.odd(key, "a mapping")
            return {}
        return value

    def mark(self, key: str) -> bool:
        value = self._raw.get(key)
        if value is None:
            return False
        if not isinstance(value, bool):
            self.odd(key, "true or false")
            return False
        return value

    def size(self, key: str) -> int | None:
        value = self._raw.get(key)
        if value is None:
            return None
        if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= MAX_INT64:
            self.odd(key, "a number of bytes")
            return None
        return value

    def digest(self, key: str, length: int) -> str | None:
        value = self._raw.get(key)
        if value in (None, ""):
            return None
        if not isinstance(value, str) or not re.fullmatch(f"[0-9a-fA-F]{{{length}}}", value):
            self.odd(key, f"a digest of {length} hexadecimal digits")
            return None
        return value.lower()

    def date(self, *keys: str) -> datetime | None:
        """The first of these that exists. Times without a time zone are in UTC, as PyPI writes them."""
        key = next((key for key in keys if self._raw.get(key) is not None), None)
        if key is None:
            return None
        try:
            when = datetime.fromisoformat(self._raw[key])
            when = when.astimezone(UTC) if when.tzinfo else when.replace(tzinfo=UTC)
        except (TypeError, ValueError, OverflowError):
            self.odd(key, "a date")
            return None
        if not EARLIEST <= when <= utc_now():
            self.odd(key, "a date between 2000 and today")
            return None
        return when.replace(microsecond=when.microsecond // 1000 * 1000)


def store(package: Package, *, source: str = DOCUMENT, about: str | None = None, as_of: int | None = None) -> bool:
    """Store an imported package. An existing one keeps what the import does not know. True if it was new.

    The import states facts of one release, `about`, or of the latest that it lists. Releases that a later document
    (`as_of`, its serial) described stay as they are, and so do maintainers, the first date, and releases that the
    import does not list. Raises PackageTooLarge and mongoengine's ValidationError.
    """
    package.clean()
    about = about or (package.latest.version if package.latest else None)
    releases = list(package.releases)
    for release in releases:
        release.as_of = as_of
    render_into(package, stored_rendering(package.pk))
    return with_rendered(lambda: _keep(package, releases, Statement(package, source, as_of=as_of), about))


def _keep(package: Package, releases: list[Release], statement: Statement, about: str | None) -> bool:
    for _ in range(ATTEMPTS):
        stored = Package.objects(pk=package.pk).declared_first()
        try:
            merged = _merged(package, stored, releases, statement, about)
            enter(merged, Act("import"), None)
            merged.store()
        except ConcurrentChange:
            continue
        write_out_of(merged)
        keep_labels(merged)
        return stored is None
    raise ConcurrentChange(f"{package.name}: changed by others {ATTEMPTS} times in a row")


def _merged(
    said: Package, stored: Package | None, releases: list[Release], statement: Statement, about: str | None
) -> Package:
    """Apply an import to the stored package; `releases` are those that the import lists."""
    package = stored or _without_facts(said)
    package.name = package.name or said.name
    before = package.latest.version if package.latest else None
    package.releases = list(_laid_over(releases, list(package.releases)))
    package.maintainers = [maintainer for maintainer in package.maintainers if maintainer.user_id]
    dates = [release.created_date for release in package.releases if release.created_date]
    if package.created_date:
        dates.append(package.created_date)
    package.created_date = min(dates, default=utc_now())
    package.clean()
    described = next((release for release in package.releases if release.version == about), None)
    known = None
    if described:
        known = state(package, described, statement, before)
    elif package.latest is None:
        # The fields of a project without releases are all that is known.
        for field in (*STATED, *DESCRIPTION, "name"):
            setattr(package, field, getattr(said, field))
    show_latest(package, before, said, known)
    return package


def _without_facts(said: Package) -> Package:
    stated = {*STATED, *DESCRIPTION, "releases", "latest"}
    return Package(**{name: getattr(said, name) for name in said._fields if name not in stated})


def _laid_over(releases: list[Release], stored: list[Release]) -> Iterator[Release]:
    """Yield the releases that an import lists, and the stored ones that it does not list or knows less about."""
    standing = {release.version: release for release in reversed(stored) if release.version}
    listed = set()
    for release in releases:
        before = standing.get(release.version)
        if before and (before.as_of or 0) > (release.as_of or 0):
            continue
        listed.add(release.version)
        if before:
            release.comment, release.legacy = release.comment or before.comment, before.legacy
            release.keep_own_files(before)
        yield release
    yield from (release for release in stored if release.version and release.version not in listed)


def keep_labels(package: Package) -> None:
    """Add the licence and the languages of a package to their collections."""
    if package.license_id:
        License.objects.add_missing([(package.license_id, package.license_id)])
    languages = [(naming.language_id(text), text) for text in package.classifiers]
    ProgrammingLanguage.objects.add_missing([(key, text) for key, text in languages if key])
