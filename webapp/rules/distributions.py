"""Examine an uploaded file: a wheel or an sdist that can be opened, with core metadata that match its name.

Whatever pip or uv can install is accepted, including files from before today's standards, with warnings about oddities.
A file that two installers could read differently is refused. `archives` describes how memory and time are limited.

Sources: the binary distribution format, the source distribution format (PEP 625, PEP 643), the core metadata.
"""

import re
import zipfile
from collections.abc import Iterator
from typing import IO, NamedTuple

from packaging.metadata import RawMetadata
from packaging.utils import (
    InvalidWheelFilename,
    NormalizedName,
    canonicalize_name,
    canonicalize_version,
    parse_wheel_filename,
)
from packaging.version import InvalidVersion, Version

from webapp.rules.archives import DAMAGED, BadDistribution, Bounded, Contents, shown
from webapp.rules.metadata import MAX_WARNING_LENGTH, MAX_WARNINGS, check_licenses, check_metadata
from webapp.rules.naming import parse_version
from webapp.rules.sdists import ENDINGS, read_sdist
from webapp.rules.wheels import read_wheel

WHEEL, SDIST = "bdist_wheel", "sdist"
MAX_FILENAME_LENGTH = 255
# The most combinations of interpreter, ABI and platform in a wheel's name.
MAX_TAGS = 500

_FILENAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+!-]*")


class Distribution(NamedTuple):
    """What a file states about itself."""

    filename: str
    canonical_name: str  # the same for all spellings of the file name
    normalized_name: NormalizedName
    version: str  # in normal form (PEP 440), with as many parts as in the metadata
    packagetype: str  # WHEEL or SDIST
    python_version: str  # "py3", "cp311", "source", ...
    requires_python: str | None
    metadata: str
    warnings: tuple[str, ...]  # oddities, one sentence each
    entry_points: list[str] | None  # of a wheel, such as "console_scripts: flask = flask.cli:main"


class _Name(NamedTuple):
    """The possible meanings of a file name: one project and version for a wheel, one or more for an sdist."""

    packagetype: str
    ending: str
    meanings: list[tuple[NormalizedName, Version]]
    tags: str  # of a wheel, with its build number, the same for all spellings
    python_version: str

    def canonical(self, project: str, version: Version) -> str:
        """Return the same text for all spellings of the file name."""
        ending = ".tar.gz" if self.ending == ".tgz" else self.ending
        return f"{project}-{canonicalize_version(version)}{self.tags}{ending}"


def examine(filename: str, file: IO[bytes], size: int) -> Distribution:
    """Return what an uploaded file states about itself, after all checks. Raises BadDistribution."""
    name = _parse_filename(filename)
    file.seek(0)
    try:
        contents = _read(file, size, name)
    except BadDistribution:
        raise
    except DAMAGED as error:
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise BadDistribution(f"{filename} cannot be opened; it is damaged or of another kind: {reason}") from None
    is_wheel = name.packagetype == WHEEL
    text, warnings = _text_of(contents, name)
    checked = check_metadata(text, is_wheel=is_wheel)
    project, version = _meant(name, checked.raw)
    if not is_wheel:
        warnings += _odd_folder(contents.folder, project, version)
    check_licenses(checked.raw, f"{contents.folder}/licenses" if is_wheel else contents.folder, contents.paths)
    warnings += checked.warnings
    return Distribution(
        filename=filename,
        canonical_name=name.canonical(project, version),
        normalized_name=project,
        version=str(Version(checked.raw["version"])),
        packagetype=name.packagetype,
        python_version=name.python_version,
        requires_python=checked.raw.get("requires_python"),
        metadata=text,
        warnings=tuple(warning[:MAX_WARNING_LENGTH] for warning in warnings[:MAX_WARNINGS]),
        entry_points=contents.entry_points,
    )


def releases_named(filename: str) -> list[tuple[NormalizedName, Version]]:
    """Return the projects and versions that a file name may mean; several for some sdists. Raises BadDistribution."""
    return _parse_filename(filename).meanings


def version_in(filename: str, normalized_name: str) -> str:
    """Return the version in the name of a project's file, as it is written there; empty if there is none."""
    if filename.endswith(".whl"):
        return filename.partition("-")[2].partition("-")[0]
    stem = filename.removesuffix(next((each for each in ENDINGS if filename.endswith(each)), ""))
    place = stem.find("-")
    while place > 0:
        if canonicalize_name(stem[:place]) == normalized_name:
            return stem[place + 1 :]
        place = stem.find("-", place + 1)
    return ""


def _read(file: IO[bytes], size: int, name: _Name) -> Contents:
    if name.packagetype == SDIST:
        return read_sdist(file, name.ending, size)
    [(project, version)] = name.meanings
    with zipfile.ZipFile(Bounded(file)) as archive:
        return read_wheel(archive, file, size, project, version)


def _parse_filename(filename: str) -> _Name:
    if len(filename) > MAX_FILENAME_LENGTH or not _FILENAME.fullmatch(filename):
        raise BadDistribution("A file name may have only letters, digits and . _ + ! -, and at most 255 of them.")
    if filename.endswith(".whl"):
        return _parse_wheel_name(filename)
    ending = next((each for each in ENDINGS if filename.endswith(each)), None)
    if ending is None:
        raise BadDistribution(f"This is not the name of a wheel (.whl) or an sdist ({', '.join(ENDINGS)}): {filename}")
    meanings = list(_meanings(filename.removesuffix(ending)))
    if not meanings:
        raise BadDistribution(f"The name of an sdist is NAME-VERSION{ending}, with a version as in PEP 440: {filename}")
    return _Name(SDIST, ending, meanings, "", "source")


def _parse_wheel_name(filename: str) -> _Name:
    parts = filename.removesuffix(".whl").split("-")
    # `packaging` creates every combination of the tags, of which a hostile name has a billion.
    combinations = 1
    for tags in parts[-3:]:
        combinations *= tags.count(".") + 1
    if combinations > MAX_TAGS:
        raise BadDistribution(f"The file name has more than {MAX_TAGS} combinations of tags.")
    try:
        project, version, build, _ = parse_wheel_filename(filename)
    except (InvalidWheelFilename, InvalidVersion) as error:
        raise BadDistribution(f"This is not the name of a wheel: {error}") from None
    sorted_tags = [".".join(sorted(set(each.lower().split(".")))) for each in parts[-3:]]
    tags = "".join(f"-{each}" for each in [*(["".join(map(str, build))] if build else []), *sorted_tags])
    return _Name(WHEEL, ".whl", [(project, version)], tags, parts[-3])


def _meanings(stem: str) -> Iterator[tuple[NormalizedName, Version]]:
    """Yield the possible meanings of an sdist's name, likeliest first: any of its hyphens may separate the version.

    Modern names have one hyphen; for "apsw-3.9.2-r1" and "z3c-form-1.0" the metadata decides.
    """
    place = stem.rfind("-")
    while place > 0:
        project, version = stem[:place], parse_version(stem[place + 1 :])
        if version is not None and _FILENAME.fullmatch(project):
            yield canonicalize_name(project), version
        place = stem.rfind("-", 0, place)


def _text_of(contents: Contents, name: _Name) -> tuple[str, list[str]]:
    """Return the metadata as text, and the oddities of the archive and the metadata."""
    warnings = list(contents.warnings)
    if contents.metadata is None:
        project, version = name.meanings[0]
        return f"Metadata-Version: 1.0\nName: {project}\nVersion: {version}\n", warnings
    try:
        return contents.metadata.decode(), warnings
    except UnicodeDecodeError:
        if name.packagetype == WHEEL:
            raise BadDistribution("The metadata is not in UTF-8.") from None
    return contents.metadata.decode("latin-1"), [*warnings, "The metadata is not in UTF-8; it was read as Latin-1."]


def _meant(name: _Name, raw: RawMetadata) -> tuple[NormalizedName, Version]:
    """Return the project and version of the file name that match the metadata. Raises BadDistribution."""
    project, version = canonicalize_name(raw.get("name", "")), parse_version(raw.get("version", ""))
    for meaning in name.meanings:
        if meaning == (project, version):
            return meaning
    if project not in [each for each, _ in name.meanings]:
        raise BadDistribution(f"The metadata is for another project: {shown(raw.get('name', ''))}")
    raise BadDistribution(f"The metadata is for another version: {shown(raw.get('version', ''))}")


def _odd_folder(folder: str, project: NormalizedName, version: Version) -> list[str]:
    if not folder or (project, version) in _meanings(folder):
        return []
    return [f"The sdist's folder is called {shown(folder)}, not NAME-VERSION like the file."]
