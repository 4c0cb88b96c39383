"""A second reader of the versions in file names, independent of `migrations_sql_to_mongo.versions`.

It splits names at dashes and dots, while the first reader matches regular expressions.
"""

from urllib.parse import unquote

from packaging.utils import InvalidSdistFilename, InvalidWheelFilename, parse_sdist_filename, parse_wheel_filename
from packaging.version import Version

from migrations_sql_to_mongo.verify.rules import is_parsed, name_of

_SDISTS = (".tar.gz", ".tar.bz2", ".tar.xz", ".tar.Z", ".zip", ".tgz", ".tar")
_BINARIES = {".whl": "bdist_wheel", ".egg": "bdist_egg", ".exe": "bdist_wininst", ".msi": "bdist_msi"}
_BINARIES |= {".rpm": "bdist_rpm", ".dmg": "bdist_dmg"}
_SYSTEMS = (
    "win32",
    "win-amd64",
    "win-arm",
    "win-ia64",
    "linux",
    "macosx",
    "darwin",
    "freebsd",
    "openbsd",
    "netbsd",
    "cygwin",
    "mingw",
    "solaris",
    "sunos",
    "aix",
    "irix",
    "hp-ux",
)
_MACHINES = ("noarch", "src", "x86_64", "i386", "i486", "i586", "i686", "aarch64", "s390", "s390x")
_SIGNS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.!+-")
_DIGITS = frozenset("0123456789")

Found = tuple[str, str | None, str | None]


def version_of(package: str, url: str | None, major: int | None, minor: int | None, build: int | None) -> Found:
    """Return a release's version, and the name and kind of its file."""
    filename = url[url.rfind("/") + 1 :] if url else ""
    dash = filename.rfind("-")
    stem = filename[:dash]
    if filename[-7:] == ".tar.gz" and "." not in stem and "%" not in filename and "+" not in filename:
        version = filename[dash + 1 : -7]
        if dash > 0 and (stem == package or _is_name(stem, package)) and version and is_parsed(version):
            return version, filename, "sdist"
    return _version_slowly(package, url or "", (major or 0, minor or 0, build or 0))


def _version_slowly(package: str, url: str, numbers: tuple[int, int, int]) -> Found:
    filename = unquote(url.partition("?")[0].partition("#")[0].split("/")[-1])
    plain = ".".join(map(str, numbers))
    extension = next((one for one in (*_SDISTS, *_BINARIES) if filename.endswith(one)), "")
    stem = filename[: len(filename) - len(extension)]
    if not extension or not stem:
        return plain, None, None
    kind = _BINARIES.get(extension) or ("bdist_dumb" if _is_dumb(filename) else "sdist")
    own = _of_own_name(package, stem, kind)
    if own and is_parsed(own):
        return own, filename, kind
    if own and own[0].isdigit():
        is_like = not any(numbers) and own[0] in _DIGITS and _SIGNS.issuperset(own)
        return own if is_like else plain, filename, kind
    other = _by_packaging(stem, filename, kind)
    if other is not None:
        parsed = Version(other)
        if not any(numbers) or (parsed.major, parsed.minor, parsed.micro) == numbers:
            return other, filename, kind
    return plain, filename, kind


def _is_name(text: str, package: str) -> bool:
    name = name_of(package)
    return name is not None and name_of(text) == name


def _of_own_name(package: str, stem: str, kind: str) -> str | None:
    """Return the version after the package's name and a dash, or None if the file starts with another name."""
    for dash in (index for index, sign in enumerate(stem) if sign == "-"):
        if _is_name(stem[:dash], package):
            return _of_rest(stem[dash + 1 :], kind)
    return None


def _of_rest(rest: str, kind: str) -> str:
    if kind in ("bdist_wheel", "bdist_egg"):
        version = rest.split("-")[0]
        return version if is_parsed(version) else "-".join(version.split("_"))
    if kind == "bdist_rpm":
        return _without_build(rest)
    return rest if kind == "sdist" and is_parsed(rest) else _without_system(rest)


def _without_system(text: str) -> str:
    """Cut a text before the first dot or dash that is followed by a platform or a version of Python."""
    for index, sign in enumerate(text):
        after = text[index + 1 :]
        if sign in ".-" and (after.startswith(_SYSTEMS) or (after[:2] == "py" and after[2:3].isdecimal())):
            return text[:index]
    return text


def _without_build(text: str) -> str:
    """Remove the architecture and the build number from the end of an RPM's name."""
    head, dot, machine = text.rpartition(".")
    word = machine.removeprefix("armv") if machine.startswith("armv") else machine[3:]
    is_family = machine.startswith("armv") and word != ""
    is_family |= machine.startswith("ppc")
    if not dot or not (machine in _MACHINES or (is_family and all(sign.isalnum() or sign == "_" for sign in word))):
        return text
    before, dash, release = head.rpartition("-")
    return before if dash and "." not in release else head


def _is_dumb(filename: str) -> bool:
    """Tell whether a platform follows the version: "foo-1.0.linux-x86_64.tar.gz"."""
    pieces = filename.split("-")
    for number, piece in enumerate(pieces[1:], start=1):
        rest = "-".join(pieces[number:])
        dots = [index for index, sign in enumerate(piece) if sign == "."]
        if piece[:1].isdecimal() and any(rest[dot + 1 :].startswith(_SYSTEMS) for dot in dots):
            return True
    return False


def _by_packaging(stem: str, filename: str, kind: str) -> str | None:
    try:
        if kind == "bdist_wheel":
            parse_wheel_filename(filename)
            return filename.split("-")[1]
        if kind == "bdist_egg":
            name, *rest = stem.split("-", 1)
            stem = f"{name}-{_of_rest(''.join(rest), kind)}"
        elif kind == "bdist_rpm":
            stem = _without_build(stem)
        elif kind != "sdist":
            stem = _without_system(stem)
        parse_sdist_filename(stem + ".zip")
        return stem.split("-")[-1]
    except (InvalidSdistFilename, InvalidWheelFilename):
        return None
