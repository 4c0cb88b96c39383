"""A change of one release reads and writes that release, and leaves the same package as if all had been written."""

from collections.abc import Callable
from typing import Any

import bson
import pytest
from packaging.utils import NormalizedName

from tests import factories
from webapp.documents import Package, PackageTooLarge
from webapp.documents import package as package_module
from webapp.documents.package import ConcurrentChange
from webapp.documents.partly_read import Outline
from webapp.rules import naming

Change = Callable[[Package], None]

VERSIONS = [f"1.{number}" for number in range(20)]


def yank(version: str) -> Change:
    def change(package: Package) -> None:
        for release in package.releases_of(version):
            release.yanked = True

    return change


def look_at(version: str) -> Change:
    def change(package: Package) -> None:
        assert package.releases_of(version)

    return change


def add(version: str) -> Change:
    def change(package: Package) -> None:
        package.releases = [*package.releases, factories.release(version)]

    return change


def add_file(version: str) -> Change:
    def change(package: Package) -> None:
        release = package.release_equal_to(version)
        assert release
        release.files = [*release.files, factories.release_file("9", filename="more.tar.gz", size=1)]
        release.sum_up()

    return change


def remove(version: str) -> Change:
    def change(package: Package) -> None:
        gone = package.releases_of(version)
        assert gone
        package.releases = [each for each in package.releases if each not in gone]

    return change


def remove_all(package: Package) -> None:
    assert package.all_releases()
    package.releases = []


def describe(package: Package) -> None:
    package.summary = "another"


def together(*changes: Change) -> Change:
    def change(package: Package) -> None:
        for each in changes:
            each(package)

    return change


CHANGES = {
    "nothing of a release": describe,
    "yank the latest": yank("1.19"),
    "yank one in the middle": yank("1.7"),
    "yank two": together(yank("1.7"), yank("1.3")),
    "a file more, in another spelling": add_file("1.7.0"),
    "the highest": add("2.0"),
    "one between others": add("1.7.1"),
    "the lowest": add("0.1"),
    "one that is no version": add("first-try"),
    "two at once": together(add("1.7.1"), add("2.0")),
    "remove the latest": remove("1.19"),
    "remove one in the middle": remove("1.7"),
    "remove the lowest": remove("1.0"),
    "remove one and look at another": together(remove("1.19"), look_at("1.18")),
    "remove one and yank another": together(remove("1.19"), yank("1.18")),
    "remove one and add another": together(remove("1.19"), add("1.20")),
    "remove all": remove_all,
}


def raw() -> dict[str, Any]:
    found = Package._get_collection().find_one({})
    assert found
    return {key: value for key, value in found.items() if key != "updated_date"}


def read() -> Package:
    found = Package.to_change(NormalizedName("example"))
    assert found
    return found


def edit(change: dict[str, Any]) -> None:
    Package._get_collection().update_one({}, change)


@pytest.mark.usefixtures("app")
@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_package_is_the_same_however_much_of_it_was_read(change: Change) -> None:
    factories.package(releases=VERSIONS)
    whole: Package = Package.objects.get()
    change(whole)
    whole.clean()
    expected = whole.to_mongo().to_dict()
    del expected["updated_date"]

    partly = read()
    change(partly)
    partly.store()

    assert raw() == {"releases": [], **expected}


@pytest.mark.usefixtures("app")
def test_releases_of_one_version_are_changed_and_removed_together() -> None:
    factories.package(releases=VERSIONS)
    twice = next(each for each in raw()["releases"] if each["version"] == "1.7")
    edit({"$push": {"releases": {"$each": [twice], "$position": 3}}})
    assert [each["version"] for each in raw()["releases"]].count("1.7") == 2

    package = read()
    yank("1.7")(package)
    package.store()

    assert [each["version"] for each in raw()["releases"] if each["yanked"]] == ["1.7", "1.7"]

    package = read()
    remove("1.7")(package)
    package.store()

    assert [each["version"] for each in raw()["releases"]] == [each for each in reversed(VERSIONS) if each != "1.7"]


@pytest.mark.usefixtures("app")
def test_one_of_two_releases_of_a_version_can_be_removed() -> None:
    factories.package(releases=VERSIONS)
    edit({"$push": {"releases": raw()["releases"][0]}})
    package = read()
    package.releases = package.releases_of("1.19")[1:]

    package.store()

    assert [each["version"] for each in raw()["releases"]] == list(reversed(VERSIONS))


@pytest.mark.usefixtures("app")
def test_what_somebody_added_to_another_release_by_hand_stays() -> None:
    factories.package(releases=VERSIONS)
    edit({"$set": {"releases.3.note": "mine", "releases.4.files": "odd"}})

    package = read()
    yank("1.7")(package)
    package.store()

    assert (raw()["releases"][3]["note"], raw()["releases"][4]["files"]) == ("mine", "odd")
    assert raw()["releases"][12]["yanked"]


@pytest.mark.usefixtures("app")
@pytest.mark.parametrize("moment", ["reading", "writing"])
def test_release_that_somebody_moved_by_hand_in_between_is_not_taken_for_another(moment: str) -> None:
    factories.package(releases=VERSIONS)
    package = read()
    if moment == "writing":
        yank("1.7")(package)
    edit({"$pop": {"releases": -1}})

    with pytest.raises(ConcurrentChange):
        together(yank("1.7"), Package.store)(package)

    assert not any(each["yanked"] for each in raw()["releases"])


@pytest.mark.usefixtures("app")
@pytest.mark.real_server  # mongomock cannot leave fields out of an element that has none
@pytest.mark.parametrize("releases", [None, "odd", ["odd", {}, {"size": 3}]])
def test_package_with_odd_releases_takes_new_ones(releases: Any) -> None:
    factories.package(releases=[])
    edit({"$set": {"releases": releases}})

    package = read()
    add("1.0")(package)
    package.store()

    assert [each["version"] for each in raw()["releases"] if "version" in each] == ["1.0"]
    assert raw()["latest"]["version"] == "1.0"


@pytest.mark.usefixtures("app")
def test_releases_in_another_order_are_put_right() -> None:
    factories.package(releases=VERSIONS)
    edit({"$set": {"releases": raw()["releases"][::-1]}})

    package = read()
    yank("1.7")(package)
    package.store()

    assert [each["version"] for each in raw()["releases"]] == list(reversed(VERSIONS))


@pytest.mark.usefixtures("app")
@pytest.mark.real_server
def test_releases_that_were_not_read_count_for_the_size(monkeypatch: pytest.MonkeyPatch) -> None:
    factories.package(releases=VERSIONS)
    stored = len(bson.encode(raw()))
    monkeypatch.setattr(package_module, "MAX_PACKAGE_BYTES", stored + 500)
    package = read()
    package.releases = [factories.release("2.0", comment="x" * 1_000)]

    with pytest.raises(PackageTooLarge, match=rf"Example: its document would take \d+,\d+ bytes of {stored + 500:,}"):
        package.store()

    assert raw()["release_count"] == 20


@pytest.mark.usefixtures("app")
def test_package_that_is_too_large_can_get_smaller(monkeypatch: pytest.MonkeyPatch) -> None:
    factories.package(releases=VERSIONS)
    monkeypatch.setattr(package_module, "MAX_PACKAGE_BYTES", len(bson.encode(raw())) - 2_000)
    package = read()
    remove("1.7")(package)

    package.store()

    assert raw()["release_count"] == 19


@pytest.mark.usefixtures("app")
def test_change_of_one_release_writes_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    factories.package(releases=VERSIONS)
    sent: list[dict[str, Any]] = []
    collection = type(Package._get_collection())
    update_one = collection.update_one

    def noted(self: Any, guard: Any, change: Any, **options: Any) -> Any:
        sent.append(change["$set"])
        return update_one(self, guard, change, **options)

    package = read()
    yank("1.7")(package)
    monkeypatch.setattr(collection, "update_one", noted)
    package.store()

    assert [field for field in sent[0] if field.startswith("releases")] == ["releases.12"]


def test_outline_of_a_release_that_states_only_its_version_is_of_a_final_one() -> None:
    outline = Outline.of({"version": "1.0"})

    assert outline == ("1.0", naming.sort_key("1.0"), None, None, False, False)
    assert Outline.of({"version": "1.0", "sort_key": "k", "size": 5, "is_prerelease": True, "yanked": True}) == (
        *("1.0", "k", None, 5),
        *(True, True),
    )
