"""Names of distribution files as they occur and as they do not, made up from a seed."""

import random
from collections.abc import Iterator
from typing import NamedTuple

_WORDS = ("foo", "Foo", "bar", "b2", "zope", "cloud", "kiln", "py", "py3", "win", "linux", "a", "1", "x86", "X")
_SEPARATORS = ("-", "_", ".", "-", "_", ".", "--", "._", "")
_NUMBERS = ("0", "1", "2", "10", "05", "06", "2004", "20210304")
_ENDINGS = (
    "",
    "",
    "",
    "a1",
    "rc1",
    ".dev3",
    ".post2",
    "-1",
    "b",
    "-final",
    "-rc-2",
    "_1",
    "-05-06",
    ".x",
    "_alpha",
    "é",
    " ",
)
_LOCALS = ("", "", "", "", "+cu118", "+linux", "+ubuntu.1", "+a_b", "+win32", "+local.win32", "+x-y", "+py3")
_TAGS = (
    "-py3-none-any",
    "-py2.py3-none-any",
    "-cp310-cp310-linux_x86_64",
    "-cp39-abi3-manylinux_2_17_x86_64.manylinux2014_x86_64",
    "-cp27-none-win32",
    "-1-py3-none-any",
    "-2odd-cp38-cp38-macosx_11_0_arm64",
    "-py3-none",
    "-cp310-cp310-linux-x86_64",
    "",
)
_PLATFORMS = (
    "",
    ".win32",
    ".win32-py2.7",
    ".win-amd64-py3.8",
    ".linux-x86_64",
    ".linux-x86_64-py3.6",
    ".macosx-10.9-x86_64",
    ".darwin-9.8.0-i386",
    "-py2.7",
    "-py2.7-win32",
    ".noarch",
    "-1.noarch",
    "-1.src",
    "-2.x86_64",
    "-3.armv7l",
    ".ppc64le",
    ".sunos-5.10",
    ".window",
)
_EXTENSIONS = (".tar.gz", ".tar.gz", ".tar.gz", ".zip", ".whl", ".whl", ".egg", ".exe", ".msi", ".rpm", ".dmg", ".tgz")
_RARE = (".tar.bz2", ".tar.xz", ".tar.Z", ".tar", ".gz", ".html", "")
_AROUND = (("", ""), ("", ""), ("", ""), ("https://x/packages/", ""), ("https://x/", "#md5=1"), ("https://x/", "?a=/b"))


class FileName(NamedTuple):
    """What a release says of its version."""

    package: str
    url: str
    numbers: tuple[int | None, int | None, int | None]


def made_up(count: int, seed: int) -> Iterator[FileName]:
    """Yield releases: most are called as their package, in one spelling or another."""
    chance = random.Random(seed)
    one = chance.choice
    for _ in range(count):
        words = [one(_WORDS) for _ in range(chance.randint(1, 3))]
        package = _joined(words, chance)
        own = _joined(words, chance) if chance.random() < 0.8 else one(_WORDS)
        version = ".".join(one(_NUMBERS) for _ in range(chance.randint(1, 4))) + one(_ENDINGS) + one(_LOCALS)
        version = one(("", "", "", "", "", "", "v", "1!", "rel-")) + version
        extension = one(_EXTENSIONS) if chance.random() < 0.97 else one(_RARE)
        platform = one(_TAGS) if extension == ".whl" else one(_PLATFORMS) if chance.random() < 0.5 else ""
        before, after = one(_AROUND)
        name = f"{own}-{version}{platform}{extension}"
        if chance.random() < 0.1:
            name = name.replace("+", "%2B").replace("é", "%C3%A9")
        numbers = one(((None, None, None), (0, 0, 0), (1, 0, 0), (2, 1, 0), (2004, 5, 6), (1, 0, None)))
        yield FileName(package, f"{before}{name}{after}", numbers)


def _joined(words: list[str], chance: random.Random) -> str:
    joined = words[0]
    for word in words[1:]:
        joined += chance.choice(_SEPARATORS) + word
    return joined
