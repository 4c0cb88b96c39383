import time
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from packaging.utils import NormalizedName

from tests import factories
from tests.people import signed_in
from tests.reading import facts, links, one, read, texts, words
from webapp.changes import search_index, site_stats, withdrawing
from webapp.documents import Maintainer, SiteStats
from webapp.home.views import COUNTS_S


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

    assert facts(page, ".counts") == {"projects": "2", "releases": "3", "user": "1"}


def test_counts_that_do_not_know_the_first_project_yet_are_not_shown(
    app: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(app.config, "STATS_MAX_AGE_S", 3600)
    read(client, "/")
    factories.package()

    page = read(client, "/")

    assert texts(page, "[aria-labelledby=newest-releases] .package-link") == ["Example 1.0"]
    assert page.select(".counts") == []


def test_counts_are_read_again_only_after_some_seconds(
    app: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(app.config, "STATS_MAX_AGE_S", 3600)
    factories.package()
    site_stats.refresh()
    read(client, "/")
    SiteStats.objects.raw().update_one({"_id": "site"}, {"$set": {"projects": 7}})

    assert facts(read(client, "/"), ".counts")["project"] == "1"
    read_at = time.monotonic()
    monkeypatch.setattr("webapp.home.views.time.monotonic", lambda: read_at + COUNTS_S)
    assert facts(read(client, "/"), ".counts")["projects"] == "7"


def test_new_site_leads_to_its_first_project_in_three_steps(client: FlaskClient) -> None:
    page = read(client, "/")

    steps = one(page, "[aria-labelledby=start]")
    assert len(steps.select("li")) == 3
    assert [address for _, address in links(steps)] == ["/account/register", "/account/login", "/account/tokens/new"]
    assert texts(steps, ".command code") == ["uv build && uv publish --publish-url http://localhost/legacy/"]
    assert page.select("[aria-labelledby=newest-releases]") == []
    assert facts(page, ".counts") == {"projects": "0", "releases": "0", "users": "0"}


def test_home_has_the_lines_that_install_and_publish_each_with_a_button(client: FlaskClient) -> None:
    factories.package()

    page = read(client, "/")

    lines = {
        "Copy the command for pip": "pip install --index-url http://localhost/simple/ NAME",
        "Copy the command for uv": "uv add --default-index http://localhost/simple/ NAME",
        "Copy the command that publishes": "uv publish --publish-url http://localhost/legacy/",
    }
    assert texts(page, ".command code") == list(lines.values())
    assert {button["aria-label"]: button["data-copy"] for button in page.select("[data-copy]")} == lines


def test_project_is_new_in_one_list_only(client: FlaskClient) -> None:
    for number in range(10):
        factories.package(f"example-{number}")

    page = read(client, "/")

    shown = [name for name, _ in links(page, ".package-link")]
    assert len(shown) == len(set(shown)) == 10
    assert texts(page, "[aria-labelledby=newest-projects] h2") == ["Other new projects"]


def test_site_for_members_says_where_a_token_belongs(
    app: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    factories.package()
    assert client.get("/project/example/").text.count("This site is for members") == 0
    monkeypatch.setitem(app.config, "READ_ACCESS", "members")
    reader = signed_in(app)

    for path in ("/", "/project/example/", "/about"):
        assert links(one(read(reader, path), ".install-note")) == [("have your token", "/about#token")]
    about = one(read(reader, "/about"), ".prose")
    netrc, pip_conf, uv_index = (str(each.get_text()) for each in about.select("pre"))
    assert netrc == "machine localhost\nlogin __token__\npassword TOKEN"
    assert pip_conf == "[global]\nindex-url = http://__token__:TOKEN@localhost/simple/"
    assert uv_index == '[[tool.uv.index]]\nname = "larder"\nurl = "http://localhost/simple/"\ndefault = true'
    assert "read -rs UV_INDEX_LARDER_PASSWORD && export UV_INDEX_LARDER_PASSWORD" in texts(about, ".command code")
    assert "TOKEN" not in "".join(texts(about, ".command code")).replace("UV_INDEX_LARDER", "").replace("__token__", "")


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
    years = [datetime(2020 + n, 1, 1, tzinfo=UTC) for n in range(4)]
    # Eight others have the newest releases.
    for number in range(8):
        releases = [factories.release(f"{n}.0", created_date=years[n]) for n in (0, 3)]
        factories.package(f"busy-{number}", releases=releases)
    factories.package("older", releases=[factories.release("1.0", created_date=years[1])])
    two = [factories.release("1.0", created_date=years[2]), factories.release("0.9", created_date=years[2])]
    factories.package("newer", releases=two)

    page = read(client, "/")

    section = one(page, "[aria-labelledby=newest-projects]")
    assert texts(section, ".package-link") == ["newer 1.0", "older 1.0"]
    assert texts(section, ".package-date") == ["1 Jan 2022", "1 Jan 2021"]


def test_home_shows_eight_of_each_and_leads_on(client: FlaskClient) -> None:
    for number in range(18):
        factories.package(f"package-{number:02}")

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
        "uv publish --publish-url https://packages.example.org/legacy/",
        "twine upload --repository-url https://packages.example.org/legacy/ -u __token__ dist/*",
    ]
    assert texts(page, ".command code") == lines
    assert [button["data-copy"] for button in page.select(".command button")] == lines
