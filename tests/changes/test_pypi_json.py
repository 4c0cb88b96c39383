import json
from datetime import UTC, datetime, timedelta
from typing import Any

import bson
import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests import factories
from tests.changes.pypi_documents import document, file
from tests.conftest import SHARED_DATA
from webapp.changes import pypi_json, rendering
from webapp.changes.changing import enter
from webapp.changes.pypi_json import RefusedDocument, _Reader, parse, store
from webapp.documents import Maintainer, Package
from webapp.documents.base import utc_now
from webapp.documents.package import ConcurrentChange
from webapp.rendering import Rendered, render_description
from webapp.rules.metadata import split_keywords

A_MINUTE = timedelta(minutes=1)


def stored(name: str = "example") -> dict[str, Any]:
    """The raw document, as somebody with a shell would see it."""
    found = Package._get_collection().find_one({"_id": name})
    assert found is not None
    return dict(found)


def imported(text: Any) -> list[str]:
    """Import a document and return the remarks."""
    found = parse(json.dumps(text))
    store(found.package)
    return found.remarks


class TestWhatIsRefused:
    @pytest.mark.parametrize(
        ("text", "reason"),
        [
            ("", "no JSON"),
            ("<html>", "no JSON"),
            ('{"info": ', "no JSON"),
            (b"\xff\xfe\xfa", "no JSON"),
            ('{"info": {"name": "x\xff"}}'.encode("latin-1"), "no JSON"),
            ("[" * 100_000, "no JSON"),
            ('{"a":' * 100_000, "no JSON"),
            ("1" * 5_000, "no JSON"),
            ("null", "no `info`"),
            ("[]", "no `info`"),
            ('"text"', "no `info`"),
            ("{}", "no `info`"),
            ('{"info": []}', "no `info`"),
            ('{"info": {}, "releases": {}}', "no usable name"),
            ('{"info": {"name": null}, "releases": {}}', "no usable name"),
            ('{"info": {"name": 5}, "releases": {}}', "no usable name"),
            ('{"info": {"name": "x"}}', "`releases`"),
            ('{"info": {"name": "x"}, "releases": []}', "`releases`"),
            ('{"info": {"name": "x"}, "releases": null}', "`releases`"),
        ],
        ids=lambda value: str(value)[:40],
    )
    def test_what_describes_no_package_is_refused_with_the_reason(self, text: str | bytes, reason: str) -> None:
        with pytest.raises(RefusedDocument, match=reason):
            parse(text)

    @pytest.mark.parametrize(
        "name",
        [
            "",
            " ",
            ".",
            "..",
            "../../etc/passwd",
            "a/b",
            "a\\b",
            "-",
            "x\0y",
            "x\ny",
            "ﬂask",
            "\ud800",
            "<b>",
            "a" * 201,
        ],
    )
    def test_document_with_a_bad_name_is_refused(self, name: str) -> None:
        with pytest.raises(RefusedDocument, match="no usable name"):
            parse(json.dumps(document(name)))

    def test_message_about_a_bad_name_can_be_printed(self) -> None:
        with pytest.raises(RefusedDocument) as refused:
            parse(json.dumps(document("\ud800\x1b[31m")))

        assert str(refused.value).isprintable()


@pytest.mark.usefixtures("app")
class TestWhatIsKept:
    def test_every_field_of_the_metadata_is_kept(self) -> None:
        info = {
            "description": "# Title",
            "description_content_type": "text/markdown",
            "home_page": "https://example.org",
            "docs_url": "https://docs.example.org",
            "package_url": "https://pypi.org/project/Example/",
            "project_urls": {"Source": "https://example.org/source", "a.b": "https://example.org/dot"},
            "download_url": "https://example.org/download",
            "bugtrack_url": "https://example.org/bugs",
            "license": "MIT License",
            "license_expression": "MIT",
            "license_files": ["LICENSE"],
            "platform": "any",
            "dynamic": ["Version"],
            "classifiers": ["Topic :: A", "Topic :: B"],
            "requires_python": ">=3.9",
            "requires_dist": ["a>1", "b; extra == 'x'"],
            "provides_extra": ["x"],
            "maintainer_email": "grace@example.org",
            "author_email": "ada@example.org",
            "summary": "What it does",
        }

        remarks = imported(document("Ex.ample", author="Ada", maintainer="Grace", keywords="a, b", **info))

        package = stored("ex-ample")
        assert remarks == []
        assert {key: package[key] for key in info} == info
        assert package["name"] == "Ex.ample"
        assert (package["author_name"], package["maintainer_name"]) == ("Ada", "Grace")
        assert package["keywords"] == ["a", "b"]
        assert package["license_id"] == "MIT"
        assert "Title" in package["description_html"]

    def test_every_field_of_a_file_is_kept(self) -> None:
        given = file(comment_text="for old systems", yanked_reason="wrong", yanked=True)

        remarks = imported(document(releases={"1.0": [given]}))

        [release] = stored()["releases"]
        assert remarks == []
        assert release["files"] == [
            {
                "filename": given["filename"],
                "url": given["url"],
                "size": 1234,
                "packagetype": "bdist_wheel",
                "python_version": "py3",
                "sha256": "a" * 64,
                "md5": "b" * 32,
                "blake2b_256": "c" * 64,
                "uploaded_at": datetime(2024, 3, 1, 12, 0, 0, 123_000, tzinfo=UTC),
                "requires_python": ">=3.9",
                "yanked": True,
                "yanked_reason": "wrong",
                "comment": "for old systems",
            }
        ]

    def test_release_sums_up_its_files(self) -> None:
        early = file("a.tar.gz", packagetype="sdist", size=10, upload_time_iso_8601="2024-01-01T00:00:00Z")
        late = file("a.whl", size=5, requires_python=">=3.10")

        imported(document(releases={"1.0": [late, early]}))

        [release] = stored()["releases"]
        assert release["size"] == 15
        assert release["created_date"] == datetime(2024, 1, 1, tzinfo=UTC)
        assert release["url"].endswith("a.tar.gz")
        assert release["requires_python"] == ">=3.10"
        assert release["file_count"] == 2

    def test_release_without_files_is_kept(self) -> None:
        remarks = imported(document(releases={"1.0": [], "0.9": [file()]}))

        first, _ = stored()["releases"]
        assert remarks == []
        assert (first["version"], first["files"]) == ("1.0", [])
        assert "size" not in first
        assert "created_date" not in first
        assert first["yanked"] is False

    def test_package_without_releases_is_kept(self) -> None:
        imported(document(releases={}))

        assert stored()["release_count"] == 0
        assert utc_now() - stored()["created_date"] < A_MINUTE

    def test_files_of_one_name_are_both_kept(self) -> None:
        imported(document(releases={"1.0": [file(size=1), file(size=2)], "1.1": [file()]}))

        assert [len(release["files"]) for release in stored()["releases"]] == [1, 2]

    def test_equal_versions_are_both_kept(self) -> None:
        imported(document(releases={"1.0": [file()], "1.0.0": [file()]}))

        assert stored()["release_count"] == 2

    def test_version_that_pep_440_cannot_parse_is_kept_below_all_others_and_told(self) -> None:
        remarks = imported(document(releases={"final": [file()], "0.1a1": [file()]}))

        assert [release["version"] for release in stored()["releases"]] == ["0.1a1", "final"]
        assert stored()["latest"]["version"] == "0.1a1"
        assert len(remarks) == 1
        assert "release final: PEP 440 cannot parse" in remarks[0]

    @pytest.mark.parametrize(
        "version",
        [
            *("", " ", "1.0 ", "a/b", "..", ".", "../1.0", "1\\0", "1?x", "1#x", "1%2e", "<b>", '"', "'", "1\n0"),
            *("1\x000", "1\x7f0", "1\x9b0", "1\u202e0", "\ud800", "1" * 201, "x" * 10_000),
        ],
    )
    def test_text_that_is_no_version_is_left_out_and_told(self, version: str) -> None:
        remarks = imported(document(releases={version: [file()], "1.0": [file()]}))

        assert [release["version"] for release in stored()["releases"]] == ["1.0"]
        assert len(remarks) == 1
        assert "this is not a version" in remarks[0]
        assert remarks[0].isprintable()

    @pytest.mark.parametrize("files", [None, 5, "text", {}, {"filename": "a.whl"}])
    def test_release_whose_files_are_no_list_is_kept_without_them(self, files: Any) -> None:
        remarks = imported(document(releases={"1.0": files}))

        assert stored()["releases"][0]["files"] == []
        assert remarks == ["release 1.0: its files are not a list"]

    @pytest.mark.parametrize(
        "odd", [None, 5, "a.whl", [], {}, {"url": "x"}, {"filename": ""}, {"filename": 5}, {"filename": "\ud800.whl"}]
    )
    def test_file_without_a_name_is_left_out_and_told(self, odd: Any) -> None:
        remarks = imported(document(releases={"1.0": [odd, file()]}))

        assert len(stored()["releases"][0]["files"]) == 1
        assert remarks == ["release 1.0, file 1 left out: it has no file name"]

    @pytest.mark.parametrize(
        ("field", "wrong", "kept_as"),
        [
            ("size", -1, "size"),
            ("size", 2**63, "size"),
            ("size", 10**4000, "size"),
            ("size", 1.5, "size"),
            ("size", "12 MB", "size"),
            ("size", True, "size"),
            ("size", float("nan"), "size"),
            ("size", float("inf"), "size"),
            ("url", 5, "url"),
            ("url", "\udfff", "url"),
            ("packagetype", ["sdist"], "packagetype"),
            ("python_version", 3, "python_version"),
            ("requires_python", 3.9, "requires_python"),
            ("yanked_reason", False, "yanked_reason"),
            ("comment_text", {}, "comment"),
            ("upload_time_iso_8601", 1709294400, "uploaded_at"),
            ("upload_time_iso_8601", "yesterday", "uploaded_at"),
            ("upload_time_iso_8601", "", "uploaded_at"),
            ("upload_time_iso_8601", "0000-00-00T00:00:00Z", "uploaded_at"),
            ("upload_time_iso_8601", "0001-01-01T00:00:00+23:59", "uploaded_at"),
            ("upload_time_iso_8601", "1999-12-31T23:59:59Z", "uploaded_at"),
            ("upload_time_iso_8601", "9999-12-31T23:59:59-12:00", "uploaded_at"),
            ("upload_time_iso_8601", "2999-01-01T00:00:00Z", "uploaded_at"),
            ("upload_time_iso_8601", "2024-02-30T00:00:00Z", "uploaded_at"),
            ("upload_time_iso_8601", [], "uploaded_at"),
        ],
        ids=lambda value: str(value)[:30],
    )
    def test_odd_value_of_a_file_is_left_out_and_told(self, field: str, wrong: Any, kept_as: str) -> None:
        nothing: dict[str, Any] = {field: None}
        text = json.dumps(document(releases={"1.0": [file(**nothing)]}))
        text = text.replace(
            f'"{field}": null', f'"{field}": {"1" + "0" * 4000 if wrong == 10**4000 else json.dumps(wrong)}'
        )

        found = parse(text)
        store(found.package)

        assert kept_as not in stored()["releases"][0]["files"][0]
        assert len(found.remarks) == 1
        assert found.remarks[0].startswith(f"release 1.0, file 1: `{field}` left out: it is not ")

    @pytest.mark.parametrize("wrong", ["yes", 1, [], "true"])
    def test_mark_that_is_neither_true_nor_false_yanks_nothing(self, wrong: Any) -> None:
        remarks = imported(document(releases={"1.0": [file(yanked=wrong)]}))

        assert stored()["releases"][0]["yanked"] is False
        assert remarks == ["release 1.0, file 1: `yanked` left out: it is not true or false"]

    @pytest.mark.parametrize("wrong", ["short", "g" * 64, 5, "a" * 63, "a" * 64 + "\n", "\ud800" * 64])
    def test_digest_of_another_form_is_left_out_and_told(self, wrong: Any) -> None:
        remarks = imported(document(releases={"1.0": [file(digests={"sha256": wrong, "md5": "b" * 32})]}))

        [kept] = stored()["releases"][0]["files"]
        assert "sha256" not in kept
        assert kept["md5"] == "b" * 32
        assert remarks == ["release 1.0, file 1: `sha256` left out: it is not a digest of 64 hexadecimal digits"]

    @pytest.mark.parametrize("wrong", ["a" * 64, [], 5])
    def test_digests_that_are_no_mapping_are_left_out_and_told(self, wrong: Any) -> None:
        remarks = imported(document(releases={"1.0": [file(digests=wrong, md5_digest="B" * 32)]}))

        [kept] = stored()["releases"][0]["files"]
        assert "sha256" not in kept
        assert kept["md5"] == "b" * 32
        assert remarks == ["release 1.0, file 1: `digests` left out: it is not a mapping"]

    @pytest.mark.parametrize("digests", [None, {}, {"sha256": None}, {"sha256": ""}])
    def test_file_without_digests_is_kept_without_a_remark(self, digests: Any) -> None:
        remarks = imported(document(releases={"1.0": [file(digests=digests)]}))

        assert "sha256" not in stored()["releases"][0]["files"][0]
        assert remarks == []

    @pytest.mark.parametrize(
        ("field", "wrong", "kept_as", "instead"),
        [
            ("summary", 5, "summary", ""),
            ("summary", "\ud800", "summary", ""),
            ("description", ["a"], "description", ""),
            ("description", {"a": {"b": []}}, "description", ""),
            ("author", False, "author_name", ""),
            ("license", {}, "license", ""),
            ("keywords", ["a"], "keywords", []),
            ("classifiers", "Topic :: A", "classifiers", []),
            ("classifiers", ["Topic :: A", 5], "classifiers", []),
            ("classifiers", ["\ud800"], "classifiers", []),
            ("requires_dist", {"a": 1}, "requires_dist", []),
            ("project_urls", ["a"], "project_urls", {}),
            ("project_urls", {"a": 5}, "project_urls", {}),
            ("project_urls", {"a\0b": "x"}, "project_urls", {}),
            ("project_urls", {"\ud800": "x"}, "project_urls", {}),
            ("project_urls", {"$where": "x"}, "project_urls", {}),
            ("requires_python", 3, "requires_python", None),
        ],
        ids=str,
    )
    def test_odd_value_of_the_metadata_is_left_out_and_told(
        self, field: str, wrong: Any, kept_as: str, instead: Any
    ) -> None:
        remarks = imported(document(**{field: wrong}))

        assert (stored().get(kept_as) or instead) == instead
        assert len(remarks) == 1
        assert remarks[0].startswith(f"info: `{field}` left out: it is not ")

    def test_nul_characters_and_emoji_of_texts_are_kept(self) -> None:
        imported(document(summary="a\0b \N{SNAKE}", description="\0"))

        assert stored()["summary"] == "a\0b \N{SNAKE}"
        assert stored()["description"] == "\0"

    def test_sizes_that_are_too_much_together_are_no_sum(self) -> None:
        imported(document(releases={"1.0": [file(size=2**63 - 1), file("b.whl", size=2**63 - 1)]}))

        [release] = stored()["releases"]
        assert "size" not in release
        assert [each["size"] for each in release["files"]] == [2**63 - 1] * 2

    def test_naive_upload_time_is_utc(self) -> None:
        imported(document(releases={"1.0": [file(upload_time_iso_8601=None, upload_time="2017-01-06T22:41:15")]}))

        [kept] = stored()["releases"][0]["files"]
        assert kept["uploaded_at"] == datetime(2017, 1, 6, 22, 41, 15, tzinfo=UTC)

    def test_upload_time_of_another_zone_becomes_utc(self) -> None:
        imported(document(releases={"1.0": [file(upload_time_iso_8601="2017-01-06T22:41:15+02:00")]}))

        [kept] = stored()["releases"][0]["files"]
        assert kept["uploaded_at"] == datetime(2017, 1, 6, 20, 41, 15, tzinfo=UTC)

    def test_release_is_yanked_when_all_its_files_are(self) -> None:
        yanked = file("a.whl", yanked=True, yanked_reason="broken")

        imported(document(releases={"2.0": [yanked, yanked], "1.0": [yanked, file()], "0.9": []}))

        assert [(each["version"], each["yanked"]) for each in stored()["releases"]] == [
            ("2.0", True),
            ("1.0", False),
            ("0.9", False),
        ]
        assert stored()["releases"][0]["yanked_reason"] == "broken"
        assert "yanked_reason" not in stored()["releases"][1]
        assert stored()["latest"]["version"] == "1.0"

    @settings(
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
        max_examples=60,
        deadline=None,
    )
    @given(
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=5),
            lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
            max_leaves=4,
        ),
        st.sampled_from([*document()["info"], *document(author=1, project_urls=1, classifiers=1, keywords=1)["info"]]),
        st.sampled_from([*file()]),
        st.text(max_size=5),
    )
    def test_no_value_in_any_place_is_an_error(self, value: Any, field: str, file_field: str, version: str) -> None:
        odd = document(releases={version: [file(**{file_field: value})], "1.0": [value]}, **{field: value})

        try:
            imported(odd)
        except RefusedDocument:
            assert field == "name"


@pytest.mark.usefixtures("app")
class TestKeepingAgain:
    def test_first_time_is_told_from_the_next(self) -> None:
        first = store(parse(json.dumps(document())).package)
        second = store(parse(json.dumps(document())).package)

        assert (first, second) == (True, False)

    def test_what_the_import_knows_replaces_what_was_stored(self) -> None:
        imported(document("example", summary="old", license="MIT", releases={"1.0": [file(size=1)]}))

        imported(document("Example", summary="new", releases={"1.0": [file(size=2)]}))

        package = stored()
        assert (package["name"], package["summary"], package.get("license")) == ("Example", "new", None)
        assert "license_id" not in package
        assert [each["size"] for each in package["releases"][0]["files"]] == [2]

    def test_what_the_import_does_not_know_stays(self) -> None:
        ada = bson.ObjectId()
        factories.package(
            releases=[
                factories.release("1.0", legacy={"id": 5}, comment="the first one"),
                factories.release("0.5", legacy={"id": 4}),
            ],
            maintainers=[Maintainer(user_id=ada, name="Ada", role="owner")],
            legacy={"id": "Example"},
        )

        imported(document(releases={"1.0": [file(size=99)], "2.0": [file()]}))

        package = stored()
        assert package["maintainers"] == [{"user_id": ada, "name": "Ada", "role": "owner"}]
        assert package["legacy"] == {"id": "Example"}
        assert [each["version"] for each in package["releases"]] == ["2.0", "1.0", "0.5"]
        assert package["release_count"] == 3
        one = package["releases"][1]
        assert (one["legacy"], one["comment"], one["files"][0]["size"]) == ({"id": 5}, "the first one", 99)
        assert package["releases"][2]["legacy"] == {"id": 4}

    def test_first_date_stays_the_earliest(self) -> None:
        imported(document(releases={"1.0": [file(upload_time_iso_8601="2020-01-01T00:00:00Z")]}))

        imported(document(releases={"2.0": [file()]}))

        assert stored()["created_date"] == datetime(2020, 1, 1, tzinfo=UTC)

    def test_note_that_somebody_added_by_hand_stays(self) -> None:
        imported(document())
        Package._get_collection().update_one({}, {"$set": {"note": "checked by Ada", "releases.0.odd": 1}})

        imported(document(summary="new"))

        assert stored()["note"] == "checked by Ada"
        assert stored()["summary"] == "new"

    def test_releases_that_the_old_site_kept_under_one_version_all_stay(self) -> None:
        factories.package(releases=[factories.release("0.5", url="one"), factories.release("0.5", url="two")])

        imported(document())

        assert [each["version"] for each in stored()["releases"]] == ["1.0", "0.5", "0.5"]

    @pytest.mark.parametrize(
        "change",
        [
            {"$unset": {"updated_date": ""}},
            {"$set": {"updated_date": "yesterday"}},
            {"$set": {"releases": "none"}},
            {"$set": {"releases": [5, None, {}, {"version": 5}, {"version": "0.5", "files": "none", "odd": 1}]}},
            {"$unset": {"releases": ""}},
            {"$set": {"maintainers": "Ada"}},
            {"$set": {"maintainers": [{"name": "Ada"}, 5]}},
            {"$set": {"created_date": "yesterday"}},
            {"$set": {"legacy": 5}},
            {"$set": {"description": 5, "description_content_type": 5}},
            {"$set": {"project_urls": []}},
        ],
        ids=str,
    )
    def test_package_that_was_broken_by_hand_is_mended(self, change: dict[str, Any]) -> None:
        imported(document())
        Package._get_collection().update_one({}, change)

        imported(document(summary="new"))

        assert stored()["summary"] == "new"
        assert stored()["releases"][0]["version"] == "1.0"
        assert isinstance(stored()["updated_date"], datetime)
        assert utc_now() - stored()["updated_date"] < A_MINUTE

    def test_change_by_somebody_else_in_the_meantime_is_not_lost(self, monkeypatch: pytest.MonkeyPatch) -> None:
        factories.package()
        ada = bson.ObjectId()
        once = [True]

        def meanwhile(*args: Any) -> None:
            if once:
                once.clear()
                theirs = Package.objects.get()
                theirs.maintainers.append(Maintainer(user_id=ada, name="Ada"))
                theirs.store()
            enter(*args)

        monkeypatch.setattr(pypi_json, "enter", meanwhile)

        imported(document(summary="new", description="new"))

        assert stored()["summary"] == "new"
        assert stored()["maintainers"][0]["user_id"] == ada

    def test_package_that_is_deleted_in_the_meantime_comes_back(self, monkeypatch: pytest.MonkeyPatch) -> None:
        factories.package()

        def meanwhile(*args: Any) -> None:
            Package.objects.delete()
            enter(*args)

        monkeypatch.setattr(pypi_json, "enter", meanwhile)

        imported(document(summary="new", description="new"))

        assert stored()["summary"] == "new"

    def test_import_gives_up_when_others_never_stop(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def always(package: Package) -> None:
            raise ConcurrentChange("again")

        monkeypatch.setattr(Package, "store", always)

        with pytest.raises(ConcurrentChange, match="5 times in a row"):
            imported(document())


@pytest.mark.usefixtures("app")
class TestDescription:
    @pytest.fixture
    def rendered(self, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str | None]]:
        """The descriptions that were rendered."""
        calls: list[tuple[str, str | None]] = []

        def counted(text: str, content_type: str | None) -> Rendered:
            calls.append((text, content_type))
            return render_description(text, content_type)

        monkeypatch.setattr(rendering, "render_description", counted)
        return calls

    def test_unchanged_description_is_not_rendered_again(self, rendered: list[Any]) -> None:
        for summary in ("one", "two", "three"):
            imported(document(summary=summary, description="# Title", description_content_type="text/markdown"))

        assert rendered == [("# Title", "text/markdown")]
        assert "Title" in stored()["description_html"]

    @pytest.mark.parametrize("change", [{"description": "other"}, {"description_content_type": "text/x-rst"}])
    def test_changed_description_is_rendered_again(self, rendered: list[Any], change: dict[str, str]) -> None:
        given = {"description": "# Title", "description_content_type": "text/markdown"}
        imported(document(**given))

        imported(document(**given | change))

        assert len(rendered) == 2

    def test_other_renderer_renders_again(self, rendered: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
        imported(document(description="# Title"))
        monkeypatch.setattr(rendering, "RENDERER", "another 2.0")

        imported(document(description="# Title"))

        assert len(rendered) == 2
        assert stored()["description_renderer"] == "another 2.0"

    def test_html_that_was_removed_by_hand_is_made_again(self) -> None:
        imported(document(description="# Title"))
        Package._get_collection().update_one({}, {"$unset": {"description_html": ""}})

        imported(document(description="# Title"))

        assert "Title" in stored()["description_html"]


@pytest.mark.parametrize(
    ("text", "keywords"),
    [
        ("", []),
        ("web framework", ["web", "framework"]),
        ("web framework, http,,  http ", ["web framework", "http"]),
        (" , ", []),
        ("a\nb\ta", ["a", "b"]),
    ],
)
def test_keywords_are_divided_at_commas_or_at_white_space(text: str, keywords: list[str]) -> None:
    assert split_keywords(text) == keywords


REAL_DOCUMENTS = sorted((SHARED_DATA / "pypi-json").glob("*.json"))

# What the site answers of its own instead of what it was given.
OWN_FIELDS = {
    "package_url",  # leads to the project's page here
    "project_url",
    "release_url",
}


@pytest.mark.skipif(not REAL_DOCUMENTS, reason="there are no real documents beside the checkout")
# On one server: mongomock would keep the 11,343 files another quarter of a minute and tell nothing new.
@pytest.mark.again
@pytest.mark.real_server
class TestRealDocuments:
    def test_every_release_file_and_field_is_kept_and_answered_as_it_was_given(self, app: Flask) -> None:
        originals = [json.loads(path.read_bytes()) for path in REAL_DOCUMENTS]
        client = app.test_client()

        remarks = [remark for original in originals for remark in imported(original)]

        assert [remark for remark in remarks if "PEP 440 cannot parse this version" not in remark] == []
        assert Package.objects.count() == len(originals)
        for original in originals:
            answer = client.get(f"/pypi/{original['info']['name'].lower()}/json").get_json()
            given = {key: value for key, value in original["info"].items() if value and key not in OWN_FIELDS}
            # Keywords are a list here; Warehouse too answers them with commas between, whatever stood there.
            given["keywords"] = ",".join(split_keywords(original["info"]["keywords"] or ""))
            assert {key: answer["info"][key] for key in given} == given
            assert set(original["info"]) <= set(answer["info"])
            assert [_file(each) for each in answer["urls"]] == [_file(each) for each in original["urls"]]
            assert {version: [_file(each) for each in files] for version, files in answer["releases"].items()} == {
                version: [_file(each) for each in files] for version, files in original["releases"].items()
            }


def _file(described: dict[str, Any]) -> dict[str, Any]:
    """What the original gives of a file; signatures are told by nobody any more, so `has_sig` is left out."""
    digests = described["digests"]
    return {
        key: described[key]
        for key in (
            "comment_text",
            "downloads",
            "filename",
            "md5_digest",
            "packagetype",
            "python_version",
            "size",
            "upload_time",
            "url",
        )
    } | {"sha256": digests["sha256"], "md5": digests["md5"]}


def test_document_that_is_stored_says_whether_its_project_is_new(app: Flask) -> None:
    assert parse(json.dumps(document())).store() is True
    assert parse(json.dumps(document())).store() is False


def test_dates_are_kept_to_the_millisecond_as_mongodb_does() -> None:
    reader = _Reader({"at": "2024-03-01T12:00:00.123999+01:00"}, "here")

    assert reader.date("at") == datetime(2024, 3, 1, 11, 0, 0, 123_000, tzinfo=UTC)
