"""What a wheel says about itself in its `.dist-info` folder, for readers: nothing is refused here."""

import contextlib
from collections.abc import Set as AbstractSet
from typing import NamedTuple

from webapp.rules.archives import BadDistribution
from webapp.rules.looking_inside import FILE, Archive, CannotLook
from webapp.rules.wheels import parse_entry_points, parse_record

MAX_WHEEL_BYTES = 64_000
MAX_RECORD_BYTES = 3_000_000
MAX_TAGS = 100
# RECORD cannot contain a digest of itself, and signatures are made afterwards.
_UNLISTED = ("RECORD", "RECORD.jws", "RECORD.p7s")


class WheelContents(NamedTuple):
    """What a page shows about a wheel, apart from its entries."""

    fields: list[tuple[str, str]]  # of WHEEL, except for the tags
    tags: list[str]
    entry_points: list[str]  # "console_scripts: flask = flask.cli:main"
    digests: dict[str, str]  # by path, as RECORD has them: "sha256=..."
    problems: list[str]  # how RECORD and the entries differ, one sentence each


def wheel_contents(archive: Archive) -> WheelContents:
    """Return what a wheel's `.dist-info` folder says. Parts that cannot be read are left out, or a problem says so."""
    paths = {entry.path for entry in archive.entries if entry.kind == FILE}
    folder = next((path.removesuffix("/WHEEL") for path in sorted(paths) if _is_wheel_file(path)), None)
    if folder is None:
        return WheelContents([], [], [], {}, ["The wheel has no .dist-info/WHEEL."])
    fields = _fields(_text(archive, f"{folder}/WHEEL", MAX_WHEEL_BYTES))
    tags = [value for name, value in fields if name.lower() == "tag"][:MAX_TAGS]
    entry_points: list[str] = []
    with contextlib.suppress(BadDistribution):
        entry_points = parse_entry_points(_text(archive, f"{folder}/entry_points.txt", MAX_WHEEL_BYTES).encode())
    digests, problems = _record(archive, folder, paths)
    shown = [(name, value) for name, value in fields if name.lower() != "tag"]
    return WheelContents(shown, tags, entry_points, digests, problems)


def _is_wheel_file(path: str) -> bool:
    return path.count("/") == 1 and path.endswith(".dist-info/WHEEL")


def _text(archive: Archive, path: str, most: int) -> str:
    try:
        return (archive.read(path, most) or b"").decode("utf-8", "replace")
    except CannotLook:
        return ""


def _fields(text: str) -> list[tuple[str, str]]:
    """Return the lines "Name: value" of a short text like WHEEL."""
    lines = (line.partition(":") for line in text.splitlines())
    return [(name.strip(), value.strip()) for name, colon, value in lines if colon][: 2 * MAX_TAGS]


def _record(archive: Archive, folder: str, paths: set[str]) -> tuple[dict[str, str], list[str]]:
    own = {f"{folder}/{name}" for name in _UNLISTED}
    try:
        data = archive.read(f"{folder}/RECORD", MAX_RECORD_BYTES + 1)
        if data is None:
            return {}, ["The wheel has no RECORD."]
        if len(data) > MAX_RECORD_BYTES:
            return {}, ["The wheel's RECORD is too long to be compared here."]
        record = parse_record(data)
    except (BadDistribution, CannotLook) as error:
        return {}, [str(error)]
    digests = {path: " ".join(sorted(filter(None, found))) for path, found in record.items()}
    found = (
        ("RECORD does not list {}.", paths - record.keys() - own),
        ("RECORD lists what is not in the wheel: {}.", record.keys() - paths),
        ("RECORD has no digest of {}.", {path for path in paths & record.keys() - own if not digests[path]}),
    )
    return digests, [problem.format(_first(which)) for problem, which in found if which]


def _first(paths: AbstractSet[str]) -> str:
    rest = len(paths) - 1
    return min(paths)[:200] + (f" and {rest:,} more" if rest else "")
