from datetime import UTC, datetime, timedelta
from typing import Any

import bson
import pytest
from mongoengine.errors import ValidationError
from packaging.utils import NormalizedName

from tests import factories
from webapp.documents import Maintainer, Package, PackageTooLarge, ProjectStatus, Release, ReleaseFile
from webapp.documents import package as package_module
from webapp.documents.base import as_declared, declared, declared_apart
from webapp.documents.package import ConcurrentChange
from webapp.documents.package_page import package_page

LATER = datetime(2024, 5, 1, tzinfo=UTC)


def stored(name: str = "example") -> dict[str, Any]:
    """The raw document, as somebody with a shell would see it."""
    found = Package._get_collection().find_one({"_id": name})
    assert found is not None
    return dict(found)


def edit(change: dict[str, Any], name: str = "example") -> None:
    """Change a stored document as somebody with a shell would."""
    Package._get_collection().update_one({"_id": name}, change)


@pytest.mark.usefixtures("app")
def test_new_project_begins_with_what_a_person_looks_for() -> None:
    factories.package("Example", releases=["1.0"], summary="What it does", author_name="Ada", license="MIT")

    assert list(stored())[:5] == ["_id", "name", "summary", "project_urls", "author_name"]
    assert list(stored())[-5:] == ["latest", "newest_release", "release_count", "releases", "last_serial"]


@pytest.mark.usefixtures("app")
class TestWhatIsDerived:
    def test_releases_stand_newest_version_first(self) -> None:
        factories.package(releases=["1.9", "1.10", "1.10rc1", "final", "1!0.1"])

        versions = [release["version"] for release in stored()["releases"]]

        assert versions == ["1!0.1", "1.10", "1.10rc1", "1.9", "final"]

    def test_latest_is_the_highest_stable_version(self) -> None:
        factories.package(releases=[factories.release("1.10", size=77), "1.9", "2.0b1"])

        assert stored()["latest"] == {"version": "1.10", "created_date": factories.A_DAY, "size": 77}

    def test_yanked_release_is_not_latest(self) -> None:
        factories.package(releases=["1.0", factories.release("2.0", yanked=True)])

        assert stored()["latest"]["version"] == "1.0"

    def test_newest_release_is_the_youngest_and_not_the_highest(self) -> None:
        factories.package(releases=["2.0", "1.0.1"])

        assert stored()["latest"]["version"] == "2.0"
        assert stored()["newest_release"]["version"] == "1.0.1"

    def test_yanked_release_is_not_the_newest(self) -> None:
        later = factories.A_DAY + timedelta(days=9)
        factories.package(releases=["1.0", factories.release("2.0", created_date=later, yanked=True)])

        assert stored()["newest_release"]["version"] == "1.0"

    def test_package_with_nothing_but_yanked_releases_has_no_newest(self) -> None:
        factories.package(releases=[factories.release("2.0", yanked=True)])

        assert "newest_release" not in stored()

    def test_release_without_a_date_is_not_the_newest(self) -> None:
        factories.package(releases=[factories.release("2.0", created_date=None), "1.0"])

        assert stored()["newest_release"]["version"] == "1.0"

    def test_package_without_releases_has_no_latest(self) -> None:
        factories.package(releases=[])

        assert stored()["release_count"] == 0
        assert "latest" not in stored()
        assert "newest_release" not in stored()

    def test_counts_keys_and_marks_are_derived_whatever_the_caller_says(self) -> None:
        wrong = factories.release("1.0a1", sort_key="zzz", is_prerelease=False, file_count=99)

        factories.package(releases=[wrong, "0.9"], release_count=99, license_id="wrong", license="mit")

        package = stored()
        assert package["release_count"] == 2
        assert package["license_id"] == "MIT"
        assert [(r["is_prerelease"], r["file_count"]) for r in package["releases"]] == [(True, 1), (False, 1)]
        assert package["releases"][0]["sort_key"] > package["releases"][1]["sort_key"]
        assert not package["releases"][0]["sort_key"].startswith("z")

    def test_names_of_required_projects_are_kept_and_those_of_extras_are_not(self) -> None:
        factories.package(requires_dist=["Flask_Login>=3", "click", "pytest; extra == 'test'"], requires=["wrong"])

        assert stored()["requires"] == ["flask-login", "click"]


@pytest.mark.usefixtures("app")
class TestStoring:
    def test_two_who_change_the_same_package_do_not_overwrite_each_other(self) -> None:
        factories.package()
        first, second = Package.objects.get(), Package.objects.get()
        first.summary = "the first"
        second.summary = "the second"

        first.store()

        with pytest.raises(ConcurrentChange, match="Example"):
            second.store()
        assert stored()["summary"] == "the first"

    def test_new_package_does_not_replace_one_of_the_same_name(self) -> None:
        factories.package(summary="the first")

        with pytest.raises(ConcurrentChange):
            Package(normalized_name="example", name="Example", summary="the second").store()

        assert stored()["summary"] == "the first"

    def test_package_that_was_deleted_in_the_meantime_does_not_come_back(self) -> None:
        factories.package()
        found = Package.objects.get()
        Package.objects.delete()

        with pytest.raises(ConcurrentChange):
            found.store()

        assert Package.objects.count() == 0

    def test_package_whose_date_was_removed_by_hand_can_be_changed(self) -> None:
        factories.package()
        edit({"$unset": {"updated_date": ""}})
        found = Package.objects.get()
        found.summary = "changed"

        found.store()

        assert stored()["summary"] == "changed"
        assert isinstance(stored()["updated_date"], datetime)

    def test_each_change_has_its_time(self) -> None:
        factories.package()
        before = stored()["updated_date"]

        Package.objects.get().store()

        assert stored()["updated_date"] >= before

    def test_package_past_the_limit_is_refused_by_name_and_size(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(package_module, "MAX_PACKAGE_BYTES", 5_000)

        with pytest.raises(PackageTooLarge, match=r"Example: its document would take 7,\d\d\d bytes of 5,000"):
            factories.package(summary="x" * 6_000)

        assert Package.objects.count() == 0

    @pytest.mark.parametrize(
        "fields",
        [
            {"name": None},
            {"maintainers": [Maintainer(name="nobody")]},
            {"maintainers": [Maintainer(user_id=bson.ObjectId(), role="king")]},
            {"releases": [Release(version="1.0", files=[ReleaseFile(size=1)])]},
        ],
    )
    def test_invalid_package_is_not_stored(self, fields: dict[str, Any]) -> None:
        package = Package(**{"normalized_name": "example", "name": "Example"} | fields)

        with pytest.raises(ValidationError):
            package.store()

        assert Package.objects.count() == 0


@pytest.mark.usefixtures("app")
class TestPageOf:
    def test_unknown_package_has_no_page(self) -> None:
        assert package_page(NormalizedName("nothing"), None, first=0, count=10) is None

    def test_page_shows_the_latest_release_with_its_files(self) -> None:
        factories.package(releases=["1.0", "2.0", "3.0a1"])

        found = package_page(NormalizedName("example"), None, first=0, count=10)

        assert found is not None
        assert found.release is not None
        assert found.release["version"] == "2.0"
        assert found.release["files"][0]["filename"] == "example-2.0-py3-none-any.whl"

    def test_history_comes_without_files_and_description(self) -> None:
        factories.package(description="long")

        found = package_page(NormalizedName("example"), None, first=0, count=10)

        assert found is not None
        assert found.package["releases"][0]["file_count"] == 1
        assert "files" not in found.package["releases"][0]
        assert "description" not in found.package

    @pytest.mark.parametrize(
        ("asked", "expected"),
        [
            ("1.0", "1.0"),
            ("1.0.0", "1.0"),
            ("v1", "1.0"),
            ("2.0-RC1", "2.0rc1"),
            ("2.0.0c1", "2.0rc1"),
            ("final", "final"),
            ("FINAL", "final"),
            ("9.9", None),
            ("", None),
            ("$latest.version", None),
            ("$$ROOT", None),
            ("$$release.version", None),
            ("$$nothing", None),
            ("$", None),
            ("\0", None),
            ("1" * 10_000, None),
        ],
    )
    def test_release_is_found_under_any_spelling_of_its_version(self, asked: str, expected: str | None) -> None:
        factories.package(releases=["1.0", "2.0rc1", "final"])

        found = package_page(NormalizedName("example"), asked, first=0, count=1)

        assert found is not None
        assert (found.release or {}).get("version") == expected

    @pytest.mark.parametrize("version", ["1.0", "1.0.0"])
    def test_of_two_equal_versions_the_one_spelt_so_is_found(self, version: str) -> None:
        factories.package(releases=["1.0", "1.0.0"])

        found = package_page(NormalizedName("example"), version, first=0, count=1)

        assert found is not None
        assert found.release is not None
        assert found.release["version"] == version

    @pytest.mark.parametrize(
        ("first", "count", "versions"),
        [
            (0, 2, ["5.0", "4.0"]),
            (2, 2, ["3.0", "2.0"]),
            (4, 2, ["1.0"]),
            (5, 2, []),
            (50 * 10**11, 50, []),
        ],
    )
    def test_history_is_paged(self, first: int, count: int, versions: list[str]) -> None:
        factories.package(releases=["1.0", "2.0", "3.0", "4.0", "5.0"])

        found = package_page(NormalizedName("example"), None, first=first, count=count)

        assert found is not None
        assert [release["version"] for release in found.package["releases"]] == versions
        assert found.package["release_count"] == 5

    @pytest.mark.parametrize(
        "change",
        [
            {"$unset": {"releases": ""}},
            {"$set": {"releases": "none"}},
            {"$set": {"releases": None}},
            {"$set": {"releases": {"version": "1.0"}}},
            {"$set": {"releases": [5, "1.0", None, [], {}]}},
            {"$unset": {"releases.0.version": ""}},
            {"$set": {"releases.0.version": 1.0}},
            {"$unset": {"latest": ""}},
            {"$set": {"latest": "1.0"}},
            {"$set": {"latest": {}}},
            {"$set": {"latest": {}, "releases": [5, {}, {"files": []}, {"version": 1.0}]}},
        ],
        ids=str,
    )
    def test_release_that_was_broken_by_hand_is_none(self, change: dict[str, Any]) -> None:
        factories.package()
        edit(change)

        found = package_page(NormalizedName("example"), None, first=0, count=10)

        assert found is not None
        assert found.package["name"] == "Example"
        assert found.release is None


class TestAsDeclared:
    @pytest.mark.parametrize("wrong", [None, 5, 5.5, True, [], {}, b"bytes", bson.ObjectId(), bson.Code("x")])
    def test_text_of_another_type_is_absent(self, wrong: Any) -> None:
        assert "summary" not in as_declared(Package, {"_id": "example", "summary": wrong})

    @pytest.mark.parametrize(
        "wrong", ["5", 5.5, True, None, [5], float("nan"), float("inf"), 1e300, bson.Decimal128("5")]
    )
    def test_size_of_another_type_is_absent(self, wrong: Any) -> None:
        assert as_declared(ReleaseFile, {"filename": "a", "size": wrong}) == {"filename": "a"}

    @pytest.mark.parametrize(("number", "expected"), [(5, 5), (5.0, 5), (bson.Int64(2**40), 2**40), (0, 0)])
    def test_size_may_be_any_whole_number(self, number: Any, expected: int) -> None:
        plain = as_declared(ReleaseFile, {"size": number})

        assert plain == {"size": expected}
        assert isinstance(plain["size"], int)

    @pytest.mark.parametrize("wrong", ["2024-03-01", 1709294400, None, bson.Timestamp(1, 1), {"$date": 5}])
    def test_date_of_another_type_is_absent(self, wrong: Any) -> None:
        assert as_declared(Release, {"version": "1", "created_date": wrong}) == {"version": "1"}

    @pytest.mark.parametrize("wrong", [0, 1, "true", None])
    def test_mark_of_another_type_is_absent(self, wrong: Any) -> None:
        assert as_declared(Release, {"version": "1", "yanked": wrong}) == {"version": "1"}

    def test_elements_of_another_type_are_left_out_of_their_list(self) -> None:
        raw = {
            "keywords": ["a", 5, None, ["b"], "c"],
            "project_urls": {"Source": "https://example.org", "Odd": 5},
            "maintainers": [{"user_id": "no id", "name": "Ada"}, 5, None, {}],
            "releases": [{"version": "1.0", "files": {"filename": "a"}}, "2.0"],
        }

        assert as_declared(Package, raw) == {
            "keywords": ["a", "c"],
            "project_urls": {"Source": "https://example.org"},
            "maintainers": [{"name": "Ada"}],
            "releases": [{"version": "1.0"}],
        }

    def test_what_is_not_declared_is_absent(self) -> None:
        assert as_declared(Package, {"_id": "example", "note": "checked", "normalized_name": "x"}) == {
            "normalized_name": "example"
        }

    @pytest.mark.parametrize(
        "releases",
        [
            [{"version": "1.0", "files": [{"filename": "a", "size": 5}]}, {"version": "2.0", "yanked": True}],
            [{"version": "1.0", "files": {"filename": "a"}}, "2.0", {}, None, [{"version": "3.0"}], {"version": 5}],
            [],
            {"version": "1.0"},
            "1.0",
        ],
        ids=str,
    )
    def test_list_that_is_read_apart_has_the_same_documents(self, releases: Any) -> None:
        others = {
            "_id": "example",
            "keywords": ["a", 5],
            "status": {"marker": "archived"},
            "maintainers": [{"name": 5}],
        }
        raw = bson.encode({**others, "releases": releases})
        together = declared(Package, raw)

        package, apart = declared_apart(Package, raw, "releases")

        assert [found for each in apart if (found := declared(Release, each))] == together.pop("releases", [])
        assert package == together

    @pytest.mark.parametrize("raw", [None, 5, "text", []])
    def test_what_is_no_document_is_empty(self, raw: Any) -> None:
        assert as_declared(Package, raw) == {}

    @pytest.mark.usefixtures("app")
    def test_whole_package_reads_as_it_was_stored(self) -> None:
        package = factories.package(
            project_urls={"Source": "https://example.org"},
            maintainers=[Maintainer(user_id=bson.ObjectId(), name="Ada", role="owner")],
            legacy={"id": 7, "parts": [1, 2, None]},
        )

        plain = Package.objects.plain_first()

        assert plain is not None
        assert plain["legacy"] == {"id": 7, "parts": [1, 2, None]}
        assert plain["project_urls"] == {"Source": "https://example.org"}
        assert plain["maintainers"] == [{"user_id": package.maintainers[0].user_id, "name": "Ada", "role": "owner"}]
        assert plain["releases"][0]["files"][0]["uploaded_at"] == factories.A_DAY


@pytest.mark.real_server
@pytest.mark.usefixtures("app")
class TestDatesThatPythonCannotHold:
    def test_date_past_the_year_9999_is_absent(self) -> None:
        factories.package()
        edit({"$set": {"created_date": bson.DatetimeMS(2**60)}})

        plain = Package.objects.plain_first()

        assert plain is not None
        assert "created_date" not in plain
        assert plain["updated_date"].tzinfo is not None


@pytest.mark.usefixtures("app")
class TestQuestions:
    def test_newest_packages_come_first_and_undated_ones_never(self) -> None:
        factories.package("one", releases=[factories.release(created_date=factories.A_DAY)])
        factories.package("two", releases=[factories.release(created_date=LATER)])
        factories.package("three")
        edit({"$unset": {"created_date": ""}}, "three")

        names = [package["name"] for package in Package.objects.newest(10)]

        assert names == ["two", "one"]

    def test_newly_released_packages_come_by_their_youngest_release(self) -> None:
        factories.package("one", releases=[factories.release(created_date=LATER)])
        factories.package("two")
        factories.package("three", releases=[])

        names = [package["name"] for package in Package.objects.newly_released(10)]

        assert names == ["one", "two"]
        assert len(Package.objects.newly_released(1)) == 1

    def test_package_is_found_under_any_spelling_of_its_name(self) -> None:
        factories.package("Flask-Login")

        assert Package.objects.named("flask_LOGIN").count() == 1
        assert Package.objects.named("flask").count() == 0

    def test_packages_are_found_by_licence_classifier_and_maintainer(self) -> None:
        ada = factories.user("Ada")
        factories.package("one", license="MIT", classifiers=["Topic :: A"])
        factories.package("two", classifiers=["Topic :: B"], maintainers=[Maintainer(user_id=ada.id)])

        found = [
            [package["name"] for package in question.plain()]
            for question in (
                Package.objects.under_license("MIT"),
                Package.objects.classified("Topic :: B"),
                Package.objects.classified("Topic"),
                Package.objects.maintained_by(ada.id),
            )
        ]

        assert found == [["one"], ["two"], [], ["two"]]

    def test_names_come_in_order_with_both_spellings(self) -> None:
        for name in ("Zope", "aiohttp", "Flask_Login"):
            factories.package(name)
        edit({"$set": {"name": 5, "last_serial": "5"}}, "zope")
        Package._get_collection().insert_one({"_id": 5})

        [names] = Package.objects.names()

        assert [(each["_id"], each["name"]) for each in names] == [
            ("aiohttp", "aiohttp"),
            ("flask-login", "Flask_Login"),
            ("zope", "zope"),
        ]
        assert names[2]["last_serial"] == 0

    @pytest.mark.parametrize(
        ("odd", "serial"), [({"name": 5}, 2), ({"last_serial": "5"}, 0), ({"last_serial": 1.5}, 0)]
    )
    def test_one_odd_document_does_not_spoil_the_other_names(self, odd: dict[str, Any], serial: int) -> None:
        for name in ("one", "Two"):
            factories.package(name)
        edit({"$set": odd}, "one")

        [names] = Package.objects.names()

        assert [each["name"] for each in names] == ["one", "Two"]
        assert [each["last_serial"] for each in names] == [serial, 3]

    def test_many_names_come_a_few_at_a_time(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("webapp.documents.package_queries.NAMES_AT_A_TIME", 2)
        for name in "abcde":
            factories.package(name)

        names = [[each["_id"] for each in batch] for batch in Package.objects.names()]

        assert names == [["a", "b"], ["c", "d"], ["e"]]

    def test_prefix_finds_the_names_that_begin_with_it(self) -> None:
        for name in ("flask", "flask-login", "flas", "flatten"):
            factories.package(name)

        names = [package["name"] for package in Package.objects.starting_with("flask").order_by("pk").plain()]

        assert names == ["flask", "flask-login"]

    def test_lists_read_no_releases(self) -> None:
        factories.package(description="long", status=ProjectStatus(marker="archived"))

        [listed] = Package.objects.listed().plain()

        assert set(listed) == set(Package.objects.LISTED)


def test_the_limit_leaves_room_below_what_mongodb_refuses() -> None:
    assert package_module.MAX_PACKAGE_BYTES < 16 * 1024 * 1024


@pytest.mark.usefixtures("app")
def test_change_writes_what_only_python_takes_for_the_same() -> None:
    factories.package(project_urls={"A": "https://a.example", "Z": "https://z.example"}, only_publishers=True)
    unchecked = {"bypass_document_validation": True}
    Package.objects.raw().update_one({}, {"$set": {"only_publishers": 1, "release_count": True}}, **unchecked)
    package = Package.to_change(NormalizedName("example"))
    assert package is not None
    package.project_urls = {"Z": "https://z.example", "A": "https://a.example"}
    package.only_publishers = True

    package.store()

    stored = Package.objects.raw().find_one() or {}
    assert [*stored["project_urls"]] == ["Z", "A"]
    assert stored["only_publishers"] is True
    assert repr(stored["release_count"]) == "1"


@pytest.mark.usefixtures("app")
def test_change_writes_the_fields_that_it_changes_and_leaves_the_others_alone() -> None:
    factories.package(summary="Before", docs_url="https://example.org/")
    packages = Package.objects.raw()
    packages.update_one({}, {"$set": {"bugtrack_url": 5}})
    package = Package.to_change(NormalizedName("example"))
    assert package is not None
    packages.update_one({}, {"$set": {"summary": "By hand, meanwhile"}})
    package.license, package.docs_url = "MIT", None

    package.store()

    stored = packages.find_one() or {}
    assert (stored["summary"], stored["license"], stored["license_id"]) == ("By hand, meanwhile", "MIT", "MIT")
    assert not {"docs_url", "bugtrack_url"} & stored.keys()
