"""A second reader of the versions in file names, independent of `migrations_sql_to_mongo.versions`."""

import re
from urllib.parse import unquote

from packaging.utils import InvalidSdistFilename, InvalidWheelFilename, parse_sdist_filename, parse_wheel_filename
from packaging.version import Version

from migrations_sql_to_mongo.verify.rules import is_parsed, name_of

_KINDS = {"whl": "bdist_wheel", "egg": "bdist_egg", "exe": "bdist_wininst", "msi": "bdist_msi"}
_KINDS |= {"rpm": "bdist_rpm", "dmg": "bdist_dmg"}
_BUILT_FOR = r"(?:py\d|win32|win-amd64|win-arm|linux|macosx|noarch|freebsd|cygwin)"


def version_of(
    package: str, url: str | None, major: int | None, minor: int | None, build: int | None
) -> tuple[str, str | None, str | None]:
    """Return a release's version, and name and kind of its file."""
    filename = url[url.rfind("/") + 1 :] if url else ""
    if filename[-7:] == ".tar.gz" and "%" not in filename:
        dash = filename.rfind("-")
        version = filename[dash + 1 : -7]
        if dash > 0 and name_of(filename[:dash]) == name_of(package) and version and is_parsed(version):
            return version, filename, "sdist"
    return _version_slowly(package, url or "", (major or 0, minor or 0, build or 0))


def _version_slowly(package: str, url: str, numbers: tuple[int, int, int]) -> tuple[str, str | None, str | None]:
    filename = unquote(url.partition("?")[0].partition("#")[0].split("/")[-1])
    plain = ".".join(map(str, numbers))
    parts = re.fullmatch(
        r"(.+?)(\.tar\.(?:gz|bz2|xz|Z)|\.(?:zip|tgz|tar|whl|egg|exe|msi|rpm|dmg))", filename, re.DOTALL
    )
    if not parts:
        return plain, None, None
    stem, kind = parts[1], _KINDS.get(parts[2][1:], "sdist")
    if kind == "sdist" and re.search(r"-\d[^-]*\.(?:linux|macosx|win|freebsd|cygwin)", filename):
        kind = "bdist_dumb"
    own = _after_own_name(package, stem)
    if own is not None:
        own = own.split("-")[0].replace("_", "-") if kind == "bdist_wheel" else re.split(rf"[.-]{_BUILT_FOR}", own)[0]
        if own and is_parsed(own):
            return own, filename, kind
    other = _by_packaging(stem, filename, kind)
    if other is not None:
        parsed = Version(other)
        if not any(numbers) or (parsed.major, parsed.minor, parsed.micro) == numbers:
            return other, filename, kind
    if own and not any(numbers) and re.fullmatch(r"[0-9][A-Za-z0-9_.!+-]*", own):
        return own, filename, kind
    return plain, filename, kind


def _after_own_name(package: str, stem: str) -> str | None:
    """Return what comes after the package's name and a dash, in the first place where the name is the package's."""
    for dash in (index for index, sign in enumerate(stem) if sign == "-"):
        if name_of(stem[:dash]) == name_of(package):
            return stem[dash + 1 :]
    return None


def _by_packaging(stem: str, filename: str, kind: str) -> str | None:
    try:
        if kind == "bdist_wheel":
            parse_wheel_filename(filename)
            return filename.split("-")[1].replace("_", "-")
        stem = re.split(rf"[.-]{_BUILT_FOR}", stem)[0]
        parse_sdist_filename(stem + ".zip")
        return stem.split("-")[-1]
    except (InvalidSdistFilename, InvalidWheelFilename):
        return None
