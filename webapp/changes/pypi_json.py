"""Documents of PyPI's JSON API -> Package documents.

Source of the form: PyPI's `/pypi/<name>/json`. What is odd in a document is reported and left out, and the rest is
kept; a document without a usable name or list of releases is refused.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from webapp.changes.changing import Act, enter, write_out_of
from webapp.documents import License, Package, ProgrammingLanguage, Release, ReleaseFile
from webapp.documents.base import utc_now
from webapp.documents.package import MAX_INT64, ConcurrentChange
from webapp.rendering import RENDERER, render_description
from webapp.rules import naming

# Python's package index began in 2003; nothing was uploaded before, and nothing is from the future.
EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
# Versions stand in addresses and installers' command lines.
_UNUSABLE_VERSION = re.compile(r"[\s/\\?#%<>\"']|^\.+$")
# What the name of a field in MongoDB cannot be.
NO_KEY = re.compile(r"\A\$|\0")
ATTEMPTS = 5
# What a package keeps of its rendered description, and from which text.
RENDERED = ("description_html", "description_problem", "description_renderer")
_SOURCE = ("description", "description_content_type")


class RefusedDocument(ValueError):
    """The document cannot become a package; the message says why."""


@dataclass
class Imported:
    """A package made from a document, and what was odd in it, a sentence each."""

    package: Package
    remarks: list[str] = field(default_factory=list)


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
    releases = document.get("releases")
    if not isinstance(releases, dict):
        raise RefusedDocument("its `releases` is no mapping of versions to files")
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
    return Imported(package, remarks)


def _releases(releases: dict[str, Any], remarks: list[str]) -> Iterator[Release]:
    for version, files in releases.items():
        if not _is_usable(version):
            remarks.append(f"release {version[:100]!r} left out: this is no version")
            continue
        if not isinstance(files, list):
            remarks.append(f"release {version}: its files are no list")
            files = []
        if naming.parse_version(version) is None:
            remarks.append(f"release {version}: PEP 440 cannot parse this version; it is kept below all others")
        yield _release(version, list(_files(version, files, remarks)))


def _is_usable(version: str) -> bool:
    return (
        0 < len(version) <= naming.MAX_VERSION_LENGTH
        and version.isprintable()  # which lone surrogates are not
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
    """Reads values of the expected type from a mapping, and remarks on those of another."""

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
        if not isinstance(value, str) or not _is_unicode(value):
            self.odd(key, "text")
            return ""
        return value

    def texts(self, key: str) -> list[str]:
        value = self._raw.get(key)
        if value is None:
            return []
        if not isinstance(value, list) or not all(isinstance(item, str) and _is_unicode(item) for item in value):
            self.odd(key, "a list of texts")
            return []
        return list(dict.fromkeys(value))

    def texts_by_name(self, key: str) -> dict[str, str]:
        value = self._raw.get(key)
        if value is None:
            return {}
        if not isinstance(value, dict) or not all(
            isinstance(text, str) and _is_unicode(name + text) and not NO_KEY.search(name)
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
        """The first of these that is there; naive times are UTC, as PyPI writes them."""
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


def _is_unicode(text: str) -> bool:
    """Lone surrogates are in JSON's grammar, but UTF-8 cannot hold them."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def split_keywords(text: str) -> list[str]:
    """Return the keywords of a `Keywords` field: by comma where there is one, else by white space."""
    words = text.split(",") if "," in text else text.split()
    return list(dict.fromkeys(word.strip() for word in words if word.strip()))


def keep(package: Package) -> bool:
    """Write an imported package; one that is there already keeps what the import does not know. True if it was new.

    What the import knows replaces what was stored; maintainers, first date and the releases that the import does not
    list stay. Raises PackageTooLarge and mongoengine's ValidationError.
    """
    releases = list(package.releases)
    render_into(package, stored_rendering(package.pk))
    for _ in range(ATTEMPTS):
        stored = Package.objects(pk=package.pk).declared_first()
        merged = _merged(package, stored, releases)
        enter(merged, Act("import"), None)
        try:
            merged.store()
        except ConcurrentChange:
            continue
        write_out_of(merged)
        keep_labels(merged)
        return stored is None
    raise ConcurrentChange(f"{package.name}: changed by others {ATTEMPTS} times in a row")


def _merged(package: Package, stored: Package | None, releases: list[Release]) -> Package:
    """Lay an import over what is stored; `releases` are those that the import lists."""
    package.updated_date = stored.updated_date if stored else None
    if stored:
        listed = {release.version: release for release in releases}
        for before in stored.releases:
            if release := listed.get(before.version):
                release.comment, release.legacy = release.comment or before.comment, before.legacy
                release.keep_own_files(before)
            elif before.version:
                releases = [*releases, before]
        package.maintainers = [maintainer for maintainer in stored.maintainers if maintainer.user_id]
        package.invitations = stored.invitations
        package.legacy, package.unwritten = stored.legacy, stored.unwritten
    package.releases = releases
    dates = [release.created_date for release in releases if release.created_date]
    if stored and stored.created_date:
        dates.append(stored.created_date)
    package.created_date = min(dates, default=utc_now())
    return package


def stored_rendering(normalized_name: str, *also: str) -> Package | None:
    """Return what is stored of a package's description and how it was rendered, and these fields, too."""
    return Package.objects(pk=normalized_name).only(*_SOURCE, *RENDERED, *also).declared_first()


def render_into(package: Package, stored: Package | None = None) -> None:
    """Render the description, unless what is stored was made from the same text by the same renderer.

    This takes up to half a minute, so no lock may be held. Raises RenderersBusy.
    """
    if stored and _is_rendered(stored) and all(getattr(stored, name) == getattr(package, name) for name in _SOURCE):
        for name in RENDERED:
            setattr(package, name, getattr(stored, name))
        return
    rendered = render_description(package.description or "", package.description_content_type)
    package.description_html, package.description_problem = rendered
    package.description_renderer = RENDERER


def _is_rendered(stored: Package) -> bool:
    return stored.description_renderer == RENDERER and stored.description_html is not None


def keep_labels(package: Package) -> None:
    """Add the licence and the languages that a package is listed under."""
    if package.license_id:
        License.objects.keep([(package.license_id, package.license_id)])
    languages = [(naming.language_id(text), text) for text in package.classifiers]
    ProgrammingLanguage.objects.keep([(key, text) for key, text in languages if key])
