"""What every index of `benchmarks.peers` has, is sent, and finds upstream: the same files in each run."""

import contextlib
import hashlib
import json
import random
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from tests.local_http import Answer, served
from tests.publishing.uploads import metadata, wheel_contents, wheel_name, zipped

JSON = "application/vnd.pypi.simple.v1+json"
MANY, LARGE_BYTES = 500, 99_990_000  # the large wheel has a little more around it, and sites take 100 MB
CROWDED, LARGE = "bench-many", "bench-large"
UPSTREAM = [f"upstream-{number:02}" for number in range(50)]  # projects that no index has itself
# Words of the descriptions. No two have the same stem.
# fmt: off
WORDS = [
    "amber", "anchor", "apricot", "basalt", "beacon", "birch", "bramble", "canyon", "cedar", "cobalt", "comet",
    "copper", "coral", "cricket", "crystal", "delta", "ember", "falcon", "fern", "fjord", "flint", "garnet",
    "glacier", "granite", "harbor", "hazel", "heron", "indigo", "island", "jasper", "juniper", "kelp", "lagoon",
    "lantern", "larch", "lichen", "lotus", "magnet", "maple", "marble", "meadow", "meteor", "nectar", "nimbus",
    "oasis", "olive", "onyx", "opal", "orchid", "otter", "pebble", "pepper", "pigeon", "poplar", "quartz", "quiver",
    "raven", "ripple", "saffron", "sequoia", "silver", "spruce", "sunset", "thicket", "timber", "topaz", "tundra",
    "umber", "valley", "velvet", "walnut", "willow", "winter", "zephyr", "zinc",
]
# fmt: on


class Wheel(NamedTuple):
    """A wheel, and what a tool says about it when it uploads it."""

    project: str
    version: str
    content: bytes
    summary: str = ""
    description: str = ""

    @property
    def filename(self) -> str:
        """Return its file name."""
        return wheel_name(self.project, self.version)

    @property
    def metadata(self) -> str:
        """Return its METADATA."""
        lines = (f"Summary: {self.summary}", "Description-Content-Type: text/markdown")
        return metadata(self.project, self.version, *lines, description=self.description)


class Content(NamedTuple):
    """What an index is filled with, and the address of a simple index with other projects."""

    projects: list[str]  # all with the same number of releases
    small: list[Wheel]  # of those projects, and of one with many releases
    large: Wheel
    upstream: str

    @property
    def wheels(self) -> list[Wheel]:
        """Return all of them."""
        return [*self.small, self.large]

    def digest(self) -> str:
        """Return a text that differs where the files do."""
        return hashlib.sha256(b"".join(hashlib.sha256(wheel.content).digest() for wheel in self.wheels)).hexdigest()[
            :16
        ]

    def searches(self) -> dict[str, set[str]]:
        """Return words, and the projects whose description has them."""
        texts = {wheel.project: wheel.description for wheel in self.small}
        found = {word: {name for name, text in texts.items() if word in text} for word in WORDS}
        return {word: names for word, names in found.items() if names}


@contextlib.contextmanager
def content(projects: int, releases: int) -> Iterator[Content]:
    """Make the files, and serve an upstream index."""
    names = [f"bench-{number:02}" for number in range(projects)]
    small = [small_wheel(name, f"1.{number}") for name in names for number in range(releases)]
    small += [small_wheel(CROWDED, f"1.{number}") for number in range(MANY)]
    with served(_answers_upstream()) as address:
        yield Content(names, small, _made(LARGE, "1.0", LARGE_BYTES), f"{address}/simple/")


def small_wheel(name: str, version: str) -> Wheel:
    """Return a wheel of about 10 kB."""
    return _made(name, version, 8_500)


def _made(name: str, version: str, size: int) -> Wheel:
    """Return a wheel with so many bytes that cannot be compressed. A project's releases share their description."""
    words = random.Random(name).choices(WORDS, k=40)
    described = Wheel(name, version, b"", f"What {name} does about {words[0]}", f"# {name}\n\n{' '.join(words)}.\n")
    noise = {f"{name}.bin": random.Random(f"{name} {version}").randbytes(size)}
    return described._replace(content=zipped(wheel_contents(name, version, text=described.metadata, extra=noise)))


def _answers_upstream() -> Mapping[str, Answer]:
    """An index as PyPI is one: JSON with digests, and the metadata of each wheel beside it."""
    meta = {"api-version": "1.1"}
    everything = {"meta": meta, "projects": [{"name": name} for name in UPSTREAM]}
    answers = {"/simple/": Answer(body=json.dumps(everything).encode(), content_type=JSON)}
    for name in UPSTREAM:
        files = []
        for wheel in (small_wheel(name, f"1.{number}") for number in range(3)):
            texts = {"": wheel.content, ".metadata": wheel.metadata.encode()}
            for suffix, body in texts.items():
                path = f"/files/{wheel.filename}{suffix}"
                answers[path] = Answer(body=body, content_type="application/octet-stream")
            file: dict[str, object] = {
                "filename": wheel.filename,
                "url": f"/files/{wheel.filename}",
                "size": len(wheel.content),
            }
            digests = {suffix: {"sha256": hashlib.sha256(body).hexdigest()} for suffix, body in texts.items()}
            file |= {
                "hashes": digests[""],
                "core-metadata": digests[".metadata"],
                "upload-time": "2026-01-01T00:00:00Z",
            }
            files.append(file)
        versions = [f"1.{number}" for number in range(3)]
        page = {"meta": meta, "name": name, "versions": versions, "files": files}
        for path in (f"/simple/{name}/", f"/simple/{name}"):  # proxpi asks without a slash, too
            answers[path] = Answer(body=json.dumps(page).encode(), content_type=JSON)
    return answers


class Upload(NamedTuple):
    """A file to send, and the digest to send with it."""

    wheel: Wheel
    sha256: str


def upload_of(wheel: Wheel) -> Upload:
    """Return a wheel with its own digest."""
    return Upload(wheel, hashlib.sha256(wheel.content).hexdigest())


def bad_uploads() -> dict[str, Upload]:
    """Return uploads that an index should refuse: no installer could use them, or they are not what they claim."""
    whole = small_wheel("bad-2", "1.0")
    anonymous = {path: text for path, text in wheel_contents("bad-4").items() if not path.endswith("METADATA")}
    return {
        "no archive": upload_of(Wheel("bad-1", "1.0", b"This is a text.\n" * 500)),
        "half of an archive": upload_of(whole._replace(content=whole.content[:5_000])),
        "metadata of another project": upload_of(
            Wheel("bad-3", "1.0", zipped(wheel_contents("bad-3", text=metadata("another"))))
        ),
        "no metadata": upload_of(Wheel("bad-4", "1.0", zipped(anonymous))),
        "another digest than the form says": Upload(small_wheel("bad-5", "1.0"), "0" * 64),
    }
