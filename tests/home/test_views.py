from datetime import UTC, datetime, timedelta

import pytest
from flask.testing import FlaskClient
from packaging.utils import NormalizedName

from tests import factories
from tests.reading import facts, links, one, read, texts, words
from webapp.changes import search_index, withdrawing
from webapp.documents import Maintainer


def test_home_says_what_the_site_is_and_offers_a_search(client: FlaskClient) -> None:
    page = read(client, "/")

    assert "package index" in words(one(page, ".hero"))
    form = one(page, "form")
    assert form["action"] == "/search/"
    assert one(form, "input")["name"] == "q"
    assert words(one(form, f"label[for={one(form, 'input')['id']}]")) == "Search projects"


def test_home_counts_projects_releases_and_users(client: FlaskClient) -> None:
    factories.package("one", releases=["1.0", "2.0"])
    factories.package("two")
    factories.user()

    page = read(client, "/")

    assert facts(page, ".counts") == {"projects": "2", "releases": "3", "users": "1"}


def test_empty_site_says_so(client: FlaskClient) -> None:
    page = read(client, "/")

    assert texts(page, ".nothing") == ["No releases yet.", "No projects yet."]
    assert facts(page, ".counts") == {"projects": "0", "releases": "0", "users": "0"}


def test_newest_releases_show_name_version_date_and_summary(client: FlaskClient) -> None:
    old, new = datetime(2020, 5, 1, tzinfo=UTC), datetime(2024, 5, 1, 13, 14, 15, tzinfo=UTC)
    factories.package("Old", releases=[factories.release("1.0", created_date=old)])
    factories.package(
        "Flask_Login",
        releases=[factories.release("2.0", created_date=old), factories.release("1.9.1", created_date=new)],
        summary="Keeps people logged in",
    )

    page = read(client, "/")

    section = one(page, "[aria-labelledby=newest-releases]")
    assert links(section, ".package-link") == [
        ("Flask_Login 1.9.1", "/project/flask-login/"),
        ("Old 1.0", "/project/old/"),
    ]
    first = section.select(".package-row")[0]
    assert words(one(first, ".package-summary")) == "Keeps people logged in"
    time = one(first, "time")
    assert (words(time), time["title"]) == ("1 May 2024", "2024-05-01 13:14:15 UTC")


@pytest.mark.parametrize("path", ["/", "/projects/?order=updated", "/search/?order=updated", "/rss/updates.xml"])
def test_yanked_release_is_advertised_nowhere_as_the_newest(client: FlaskClient, path: str) -> None:
    ada = factories.user()
    broken = factories.release("7.7", created_date=factories.A_DAY + timedelta(days=9))
    factories.package("Example", releases=["1.0", broken], maintainers=[Maintainer(user_id=ada.id, name=ada.name)])
    search_index.catch_up()
    assert "7.7" in client.get(path).text

    withdrawing.yank(NormalizedName("example"), "7.7", "broken", ada)
    search_index.catch_up()

    assert "7.7" not in client.get(path).text
    assert "1.0" in client.get(path).text


def test_newest_projects_come_by_their_first_date_and_show_their_latest_release(client: FlaskClient) -> None:
    year = [datetime(2020 + n, 1, 1, tzinfo=UTC) for n in range(4)]
    factories.package(
        "older",
        releases=[factories.release("1.0", created_date=year[0]), factories.release("1.1", created_date=year[3])],
    )
    factories.package("newer", releases=[factories.release("1.0", created_date=year[1])])

    page = read(client, "/")

    section = one(page, "[aria-labelledby=newest-projects]")
    assert texts(section, ".package-link") == ["newer 1.0", "older 1.1"]
    assert texts(section, ".package-date") == ["1 Jan 2021", "1 Jan 2020"]


def test_home_shows_eight_of_each_and_leads_on(client: FlaskClient) -> None:
    for number in range(10):
        factories.package(f"package-{number}")

    page = read(client, "/")

    for section, address in (("newest-releases", "updated"), ("newest-projects", "newest")):
        found = one(page, f"[aria-labelledby={section}]")
        assert len(found.select(".package-row")) == 8
        assert one(found, ".more")["href"] == f"/projects/?order={address}"


def test_about_gives_the_lines_that_install_from_here(client: FlaskClient) -> None:
    page = read(client, "/about", base_url="https://packages.example.org")

    assert words(one(page, "h1")) == "About Larder"
    lines = [
        "pip install --index-url https://packages.example.org/simple/ NAME",
        "uv pip install --default-index https://packages.example.org/simple/ NAME",
    ]
    assert texts(page, ".command code") == lines
    assert [button["data-copy"] for button in page.select(".command button")] == lines
