"""Recover the version of a release, which the old site kept as three integers, from the name of its file."""

import functools
import re
from typing import NamedTuple
from urllib.parse import unquote

from packaging.utils import InvalidSdistFilename, InvalidWheelFilename, parse_sdist_filename, parse_wheel_filename

from webapp.rules import naming

# What the extension says about a distribution file. ".gz" alone is not a distribution.
PACKAGETYPES = {
    ".tar.gz": "sdist",
    ".zip": "sdist",
    ".tar.bz2": "sdist",
    ".tgz": "sdist",
    ".tar.xz": "sdist",
    ".tar.Z": "sdist",
    ".tar": "sdist",
    ".whl": "bdist_wheel",
    ".egg": "bdist_egg",
    ".exe": "bdist_wininst",
    ".msi": "bdist_msi",
    ".rpm": "bdist_rpm",
    ".dmg": "bdist_dmg",
}
_EXTENSION = re.compile("(?:" + "|".join(re.escape(extension) for extension in PACKAGETYPES) + r")\Z")
_SYSTEM = (
    r"(?:win(?:32|-amd64|-arm|-ia64)|linux|macosx|darwin|freebsd|openbsd|netbsd|cygwin|mingw|solaris|sunos|aix|irix"
    r"|hp-ux)"
)
# What follows the version in the file names of the old binary formats: "-py2.7", ".win32-py2.7", ".linux-x86_64".
_PLATFORM = re.compile(rf"[.-](?:py\d|{_SYSTEM}).*\Z", re.DOTALL)
# What follows the version in "foo-1.0-1.noarch.rpm": the number of the build and the machine. Source: rpm(8).
_RPM = re.compile(r"(?:-[^-.]*)?\.(?:noarch|src|x86_64|i[3-6]86|aarch64|armv\w+|ppc\w*|s390x?)\Z")
_DUMB = re.compile(rf"-\d[^-]*\.{_SYSTEM}")


class File(NamedTuple):
    """A distribution file, as its URL names it."""

    filename: str
    extension: str
    packagetype: str


class Known(NamedTuple):
    """What can be derived from a version alone."""

    sort_key: str
    is_prerelease: bool
    is_parsed: bool  # by PEP 440


# Versions repeat from package to package; parsing one takes longer than all else that a release needs. 4 MB.
@functools.lru_cache(maxsize=10_000)
def known(version: str) -> Known:
    """Return what the site stores next to a version."""
    key = naming.sort_key(version)
    return Known(key, naming.is_prerelease(version), not key.startswith("!"))


def file_of(url: str | None) -> File | None:
    """Return the distribution file that a URL points to, or None if it points to anything else."""
    if not url:
        return None
    filename = url[url.rfind("/") + 1 :]
    # By far the most frequent form: "flask-1.0.2.tar.gz". A dot further left may begin the name of a system.
    dash = filename.rfind("-")
    if (
        filename.endswith(".tar.gz")
        and filename[dash + 1 : -7].replace(".", "").isdigit()
        and "." not in filename[:dash]
    ):
        return File(filename, ".tar.gz", "sdist")
    filename = unquote(re.split("[?#]", url, maxsplit=1)[0].rpartition("/")[2])
    found = _EXTENSION.search(filename)
    if not found or not found.start():
        return None
    packagetype = PACKAGETYPES[found[0]]
    if packagetype == "sdist" and _DUMB.search(filename):
        packagetype = "bdist_dumb"
    return File(filename, found[0], packagetype)


def recover(package: str, file: File | None, major: int | None, minor: int | None, build: int | None) -> str:
    """Return the version of a release: the file's where PEP 440 parses it, otherwise the three integers.

    `package` is the package's id, as the release gives it. After its name, all is the version, dashes too:
    "2004-05-06" in cloud-kiln-2004-05-06.tar.gz. A file of another name is believed only where it does not contradict
    the integers: PIL's files are called Imaging-1.1.7.tar.gz. Where the integers say nothing (NULL or 0.0.0), what the
    file's name gives is taken even if PEP 440 cannot parse it ("1.0-final-2").
    """
    if file and file.packagetype == "sdist":
        # By far the most frequent form; the others cost ten times as much.
        prefix = package + "-"
        if file.filename.startswith(prefix):
            version = file.filename[len(prefix) : -len(file.extension)]
            if known(version).is_parsed:
                return version
    said_nothing = not (major or minor or build)
    numbers = f"{major or 0}.{minor or 0}.{build or 0}"
    if file is None:
        return numbers
    own = _from_own_name(package, file)
    if own and known(own).is_parsed:
        return own
    if own and own[0].isdigit():
        return own if said_nothing and _VERSION_LIKE.match(own) else numbers
    other = _from_any_name(file)
    if other and (said_nothing or _numbers_of(other) == (major or 0, minor or 0, build or 0)):
        return other
    return numbers


_VERSION_LIKE = re.compile(r"[0-9][A-Za-z0-9_.!+-]*\Z")


def _from_own_name(package: str, file: File) -> str | None:
    """Return what follows the package's name, in whatever spelling: "zope.interface" in "zope_interface-4.0.tar.gz"."""
    try:
        naming.normalize_name(package)
    except naming.InvalidName:
        return None
    words = [re.escape(word) for word in re.split(r"[-_.]+", package)]
    found = re.match(r"[-_.]+".join(words) + "-", file.filename, re.IGNORECASE | re.ASCII)
    return _version_in(file.filename[found.end() : -len(file.extension)], file.packagetype) if found else None


def _version_in(rest: str, packagetype: str) -> str:
    """Return the version from what follows the name in a file's name, without its extension."""
    match packagetype:
        case "bdist_wheel" | "bdist_egg":
            # PEP 427 and setuptools write a dash within the version as "_".
            version = rest.partition("-")[0]
            return version if known(version).is_parsed else version.replace("_", "-")
        case "bdist_rpm":
            return _RPM.sub("", rest)
        case "sdist":
            return rest if known(rest).is_parsed else _PLATFORM.sub("", rest)
    return _PLATFORM.sub("", rest)


def _from_any_name(file: File) -> str | None:
    """Return the version where `packaging` parses the file's name, as it is written there."""
    stem = file.filename[: -len(file.extension)]
    try:
        if file.packagetype == "bdist_wheel":
            parse_wheel_filename(file.filename)
            return stem.split("-")[1]
        if file.packagetype == "bdist_egg":
            name, _, rest = stem.partition("-")
            stem = f"{name}-{_version_in(rest, file.packagetype)}"
        elif file.packagetype == "bdist_rpm":
            stem = _RPM.sub("", stem)
        elif file.packagetype != "sdist":
            stem = _PLATFORM.sub("", stem)
        parse_sdist_filename(f"{stem}.tar.gz")
        return stem.rpartition("-")[2]
    except (InvalidWheelFilename, InvalidSdistFilename):
        return None


def _numbers_of(version: str) -> tuple[int, int, int] | None:
    parsed = naming.parse_version(version)
    return (parsed.major, parsed.minor, parsed.micro) if parsed else None
