"""What is known here about the requirements of releases."""

from flask import Flask

from tests import factories
from webapp.dependencies.knowing import ELSEWHERE, HERE, MISSING, Project, projects, requirements
from webapp.documents import Package, ReleaseFacts, UpstreamFile, UpstreamProject
from webapp.documents.release_facts import key_of

METADATA = "Metadata-Version: 2.1\nName: rice\nVersion: 2.0\nRequires-Dist: water>1\n\n"


def test_project_is_here_or_elsewhere_or_missing(app: Flask) -> None:
    factories.package("Jam", releases=["1.0", "2.0"], requires_dist=["sugar"])
    UpstreamProject.objects.raw().insert_many([{"_id": "rice"}, {"_id": "nothing", "is_absent": True}])

    assert projects(["jam", "rice", "nothing"]) == {
        "jam": Project("Jam", HERE, "2.0", ("sugar",)),
        "rice": Project("rice", ELSEWHERE),
        "nothing": Project("nothing", MISSING),
    }


def test_project_edited_by_hand_is_known_as_far_as_it_can_be_read(app: Flask) -> None:
    odd = {"_id": "jam", "name": 3, "latest": {"version": 4}, "requires_dist": ["sugar", 5]}
    Package.objects.raw().insert_one(odd)

    assert projects(["jam"]) == {"jam": Project("jam", HERE, None, ("sugar",))}


def test_latest_release_requires_what_its_project_shows_and_an_older_one_what_it_stated(app: Flask) -> None:
    factories.package("Jam", releases=["1.0", "1.5", "2.0"], requires_dist=["sugar"])
    ReleaseFacts.objects.raw().insert_one({"_id": key_of("jam", "1.0"), "requires_dist": ["honey"]})
    known = projects(["jam"])

    found = requirements([("jam", "2.0"), ("jam", "1.5"), ("jam", "1.0")], known)

    assert found == {("jam", "2.0"): ("sugar",), ("jam", "1.0"): ("honey",)}


def test_upstream_release_requires_what_a_wheel_that_is_kept_here_states(app: Flask) -> None:
    files = [
        {"filename": "rice-1.0-py3-none-any.whl", "sha256": "1" * 64},
        {"filename": "rice-2.0-py3-none-any.whl", "sha256": "2" * 64},
        {"filename": "rice-2.0.tar.gz", "sha256": "3" * 64},
    ]
    UpstreamProject.objects.raw().insert_one({"_id": "rice", "files": files})
    kept = [{"_id": digit * 64, "metadata": METADATA} for digit in "123"]
    UpstreamFile.objects.raw().insert_many(kept)

    assert requirements([("rice", "2.0")], projects(["rice"])) == {("rice", "2.0"): ("water>1",)}
