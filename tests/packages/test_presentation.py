import time
from typing import Any

import pytest
from flask import Flask

from webapp.documents.plain_fields import FileFields, PackageFields, ReleaseFields
from webapp.packages.presentation import classifier_groups, file_groups, history, links, wheel_tags


def test_links_come_in_a_fixed_order_and_each_address_once() -> None:
    package: PackageFields = {
        "home_page": "https://example.org/",
        "project_urls": {"Source": "https://example.org/src", "Home": "https://example.org"},
        "docs_url": "https://example.org/src/",
        "bugtrack_url": "https://example.org/bugs",
        "download_url": "https://example.org/get",
    }

    assert links(package) == [
        {"label": "Homepage", "url": "https://example.org/"},
        {"label": "Source", "url": "https://example.org/src"},
        {"label": "Bug tracker", "url": "https://example.org/bugs"},
        {"label": "Download", "url": "https://example.org/get"},
    ]


@pytest.mark.parametrize(
    "url", ["", "UNKNOWN", "javascript:alert(1)", "data:text/html,x", "//example.org", "http://[", None]
)
def test_what_leads_to_no_web_page_is_no_link(url: str | None) -> None:
    package: Any = {"home_page": url, "project_urls": {"Home": url}}

    assert links(package) == []


def test_link_without_a_label_gets_one() -> None:
    assert links({"project_urls": {" ": "https://example.org"}}) == [{"label": "Link", "url": "https://example.org"}]


def test_classifiers_are_grouped_by_their_first_part_in_the_order_of_their_authors() -> None:
    given = ["Topic :: Internet", "Framework :: Flask", "Topic :: Text :: Markup", "Odd", "Half :: ", " "]

    assert [
        (group["name"], [each["label"] for each in group["classifiers"]]) for group in classifier_groups(given)
    ] == [
        ("Topic", ["Internet", "Text :: Markup"]),
        ("Framework", ["Flask"]),
        ("Other", ["Odd", "Half"]),
    ]


def test_classifier_keeps_its_whole_text_for_its_address() -> None:
    group = classifier_groups(["Topic :: Text :: Markup"])[0]

    assert group["classifiers"] == [{"label": "Text :: Markup", "classifier": "Topic :: Text :: Markup"}]


def test_files_of_an_unknown_kind_come_last_and_those_without_a_name_not_at_all() -> None:
    files: list[FileFields] = [
        {"filename": "a.exe", "packagetype": "bdist_wininst"},
        {"filename": "a.whl"},
        {"filename": "a.tar.gz", "packagetype": "sdist"},
        {"packagetype": "sdist"},
    ]

    groups = file_groups({"files": files})

    assert [(group["title"], [file["filename"] for file in group["files"]]) for group in groups] == [
        ("Source distributions", ["a.tar.gz"]),
        ("Other files", ["a.exe", "a.whl"]),
    ]


def test_release_without_files_has_no_groups() -> None:
    assert file_groups({}) == []


@pytest.mark.parametrize(
    ("filename", "interpreters", "abis", "platforms"),
    [
        ("a-1.0-py3-none-any.whl", ["py3"], ["none"], ["any"]),
        ("a-1.0-py2.py3-none-any.whl", ["py2", "py3"], ["none"], ["any"]),
        ("a-1.0-1-cp312-abi3-Win_AMD64.whl", ["cp312"], ["abi3"], ["win_amd64"]),
        ("a-1.0-cp39-cp39-b.a.whl", ["cp39"], ["cp39"], ["a", "b"]),
    ],
)
def test_name_of_a_wheel_tells_where_it_runs(
    filename: str, interpreters: list[str], abis: list[str], platforms: list[str]
) -> None:
    assert wheel_tags(filename) == {"interpreters": interpreters, "abis": abis, "platforms": platforms}


@pytest.mark.parametrize(
    "filename", ["a-1.0.tar.gz", "a-1.0-py3-none-any.zip", "a.whl", ".whl", "", "a-b-c-d-e-f-g.whl"]
)
def test_any_other_name_tells_nothing(filename: str) -> None:
    assert wheel_tags(filename) == {}


def test_name_with_a_thousand_million_combinations_of_tags_costs_nothing() -> None:
    many = ".".join(f"t{number}" for number in range(1000))
    started = time.perf_counter()

    tags = wheel_tags(f"a-1.0-{many}-{many}-{many}.whl")

    assert [len(tags[kind]) for kind in ("interpreters", "abis", "platforms")] == [1000] * 3
    assert time.perf_counter() - started < 1


def test_only_what_tells_wheels_apart_is_a_filter() -> None:
    files: list[FileFields] = [
        {"filename": f"a-1.0-{tags}.whl", "packagetype": "bdist_wheel"} for tags in ("cp311-abi3-any", "cp312-abi3-any")
    ]

    filters = file_groups({"files": files})[0]["filters"]

    assert filters == [{"key": "interpreters", "label": "Interpreter", "values": ["cp311", "cp312"]}]


def test_history_links_each_release_to_the_one_before_it(app: Flask) -> None:
    releases: list[ReleaseFields] = [
        {"version": "2.0", "file_count": 2, "size": 1500},
        {"version": "1.0+local/x", "file_count": 1},
        {"version": "0.9"},
    ]
    with app.test_request_context():
        rows = history({"normalized_name": "example", "releases": releases}, "0.9")

    assert [row["address"] for row in rows] == [
        "/project/example/2.0/",
        "/project/example/1.0+local/x/",
        "/project/example/0.9/",
    ]
    assert [row["changes"] for row in rows] == [
        "/project/example/compare/1.0%2Blocal/x...2.0",
        "/project/example/compare/0.9...1.0%2Blocal/x",
        "",
    ]
    assert [row["files"] for row in rows] == ["2 files, 1.5 kB", "1 file", "0 files"]
    assert [row["is_here"] for row in rows] == [False, False, True]
