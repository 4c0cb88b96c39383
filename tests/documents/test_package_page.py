"""Which release a project's page shows, and which part of its history."""

from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests import factories
from tests.factories import A_DAY
from tests.packages.reading import banners, history
from tests.reading import links, one, page_of, read, texts, words
from webapp.documents import Package
from webapp.documents.package_page import ReadReleases, raw_releases
from webapp.rules.naming import normalize_name


def test_older_release_says_that_there_is_a_newer_one(client: FlaskClient) -> None:
    factories.package("Example", releases=["1.0", "1.1"])

    page = read(client, "/project/example/1.0/")

    assert banners(page) == ["A newer version is available: 1.1 of 2 Mar 2024."]
    assert links(page, ".banner a") == [("1.1", "/project/example/")]
    assert words(one(page, "title")) == "Example 1.0 · Larder"


def test_pre_release_says_so_and_names_the_version_to_install(client: FlaskClient) -> None:
    factories.package("Example", releases=["1.0", "2.0rc1"])

    page = read(client, "/project/example/2.0rc1/")

    pre_release, other = banners(page)
    assert pre_release.startswith("This is a pre-release.")
    assert other == "The recommended version is: 1.0 of 1 Mar 2024."


def test_pre_release_without_a_final_one_is_what_installers_take_so_no_banner_warns(client: FlaskClient) -> None:
    factories.package("Example", releases=["1.0a1", "1.0b1"])

    page = read(client, "/project/example/")

    assert words(one(page, "h1")) == "Example 1.0b1"
    assert banners(page) == []


@pytest.mark.parametrize(
    ("reason", "said"),
    [
        ("broke Python 3.9", "Reason given: broke Python 3.9"),
        (None, "No reason was given."),
        ("", "No reason was given."),
    ],
)
def test_yanked_release_is_announced_with_its_reason(client: FlaskClient, reason: str | None, said: str) -> None:
    yanked = factories.release("1.1", yanked=True, yanked_reason=reason)
    factories.package("Example", releases=["1.0", yanked])

    page = read(client, "/project/example/1.1/")

    first, other = banners(page)
    assert first.startswith("This release was yanked.")
    assert first.endswith(said)
    assert other.startswith("The recommended version is: 1.0")


def test_yanked_release_is_passed_over(client: FlaskClient) -> None:
    factories.package("Example", releases=["1.0", factories.release("1.1", yanked=True)])

    page = read(client, "/project/example/")

    assert words(one(page, "h1")) == "Example 1.0"
    assert banners(page) == []


def test_project_without_a_release_says_so(client: FlaskClient) -> None:
    factories.package("Example", releases=[])

    page = read(client, "/project/example/")

    assert words(one(page, "h1")) == "Example"
    assert banners(page) == ["This project has no releases yet."]
    assert page.select(".install") == []
    assert words(one(page, "#history .nothing")) == "No release yet."
    assert words(one(page, "#files .nothing")) == "This project has no files."


def test_history_lists_releases_newest_version_first_with_their_marks(client: FlaskClient) -> None:
    releases = [
        factories.release(
            "1.9", files=[factories.release_file("1.9"), factories.release_file("1.9", filename="x.zip")]
        ),
        factories.release("1.10", size=2_500_000, yanked=True, yanked_reason="too round"),
        factories.release("2.0b1", files=[]),
    ]
    factories.package("Example", releases=releases)

    page = read(client, "/project/example/")

    assert links(page, ".history-version") == [
        ("2.0b1", "/project/example/2.0b1/"),
        ("1.10", "/project/example/1.10/"),
        ("1.9", "/project/example/1.9/"),
    ]
    assert texts(page, ".history-marks") == ["pre-release", "yanked", "this page"]
    assert one(page, ".history .mark-bad")["title"] == "too round"
    assert texts(page, ".history-files") == ["0 files", "1 file, 2.5 MB", "2 files"]
    assert texts(page, ".history-date") == ["1 Mar 2024"] * 3


def many_releases(count: int) -> list[str]:
    return [f"1.{number}" for number in range(count)]


def test_long_history_is_paged_fifty_at_a_time(client: FlaskClient) -> None:
    factories.package("Example", releases=many_releases(120))

    first, last = read(client, "/project/example/"), read(client, "/project/example/?page=3")

    assert history(first) == [f"1.{number}" for number in range(119, 69, -1)]
    assert links(first, ".pager a") == [
        ("2", "/project/example/?page=2#history"),
        ("3", "/project/example/?page=3#history"),
        ("Next", "/project/example/?page=2#history"),
    ]
    assert words(one(first, "[aria-current=page].pager-here")) == "1"
    assert history(last) == [f"1.{number}" for number in range(19, -1, -1)]
    assert words(one(last, "h1")) == "Example 1.119"
    assert "Release history 120" in texts(last, ".tab")


def test_history_of_an_older_release_stays_on_its_address(client: FlaskClient) -> None:
    factories.package("Example", releases=many_releases(60))

    page = read(client, "/project/example/1.3/?page=2")

    assert words(one(page, "h1")) == "Example 1.3"
    assert "1.3" in history(page)
    assert links(page, ".pager a") == [
        ("Previous", "/project/example/1.3/?page=1#history"),
        ("1", "/project/example/1.3/?page=1#history"),
    ]


@pytest.mark.parametrize(("releases", "pages"), [(51, "2 pages"), (1, "1 page")])
def test_page_past_the_end_of_the_history_is_not_found(client: FlaskClient, releases: int, pages: str) -> None:
    factories.package("Example", releases=many_releases(releases))

    page = read(client, "/project/example/?page=3", 404)

    assert f"The release history has {pages}." in words(page)


@pytest.mark.parametrize(
    ("stored", "asked"),
    [
        ("1.0-beta2", "1.0b2"),
        ("1.0b2", "1.0-BETA.2"),
        ("2.0.post1", "2.0-1"),
        ("1!2.0", "1!2"),
        ("1.0+local.1", "1.0+local-1"),
    ],
)
def test_every_spelling_of_a_version_leads_to_the_one_that_its_authors_wrote(
    client: FlaskClient, stored: str, asked: str
) -> None:
    factories.package("Example", releases=[stored])

    page = page_of(client.get(f"/project/example/{asked}/", follow_redirects=True))

    assert words(one(page, "h1")) == f"Example {stored}"


def test_unknown_version_is_a_page_that_says_so(client: FlaskClient) -> None:
    factories.package("Example", releases=["1.0"])

    page = read(client, "/project/example/9.9/", 404)

    assert "Example has no release 9.9." in words(one(page, "main"))
    assert one(page, "main input")["value"] == "example"


def test_version_of_no_standard_has_its_page(client: FlaskClient) -> None:
    factories.package("Example", releases=["0.9-horsea", "1.0"])

    page = read(client, "/project/example/0.9-horsea/")

    assert words(one(page, "h1")) == "Example 0.9-horsea"
    assert banners(page) == ["A newer version is available: 1.0 of 2 Mar 2024."]


@pytest.mark.parametrize("count", [10, 2500])
def test_page_shows_no_more_of_a_long_history(client: FlaskClient, count: int) -> None:
    document: dict[str, Any] = factories.package("Example", releases=["1.0"]).to_mongo().to_dict()
    release = document["releases"][0]
    document["releases"] = [release | {"version": f"1.{n}", "created_date": A_DAY + timedelta(n)} for n in range(count)]
    document["release_count"] = count
    Package._get_collection().replace_one({"_id": "example"}, document)

    response = client.get("/project/example/")

    assert len(history(page_of(response))) == min(count, 50)
    assert len(response.get_data()) < 60_000


def test_releases_of_any_spelling_are_read_with_what_the_latest_states(app: Flask) -> None:
    factories.package("Example", releases=["1.0", "1.5", "2.0"], summary="New", requires_dist=["bread"])
    name = normalize_name("example")

    raw = raw_releases(name, ["1.0.0", "2.0", "9"])

    assert raw is not None
    found = ReadReleases.from_bson(raw)
    assert [each["version"] for each in found.releases] == ["2.0", "1.0"]
    assert (found.package["name"], found.package["summary"]) == ("Example", "New")
    assert not found.package.keys() & {"releases", "requires"}
    assert raw_releases(normalize_name("nothing"), ["1.0"]) is None
