from datetime import UTC, datetime, timedelta
from typing import Any

import bson
import pytest
from bs4 import Tag
from flask.testing import FlaskClient

from tests import factories
from tests.counting import counted
from tests.factories import A_DAY
from tests.reading import facts, links, one, page_of, read, texts, words
from webapp.changes.installed import INSTALLED_HERE
from webapp.documents import DownloadCount, Maintainer, Package
from webapp.documents.base import utc_now


def banners(page: Tag) -> list[str]:
    return texts(page, ".banner")


def history(page: Tag) -> list[str]:
    return texts(page, "#history .history-version")


def test_page_shows_name_version_date_and_summary(client: FlaskClient) -> None:
    factories.package("Flask_Login", releases=["1.0", "1.1"], summary="Keeps people logged in")

    page = read(client, "/project/flask-login/")

    assert words(one(page, "h1")) == "Flask_Login 1.1"
    assert words(one(page, "title")) == "Flask_Login · Larder"
    assert words(one(page, ".project-title p")) == "Released 2 Mar 2024"
    assert one(page, ".project-title time")["title"] == "2024-03-02 12:00:00 UTC"
    assert words(one(page, ".project-summary")) == "Keeps people logged in"
    assert banners(page) == []


def test_release_found_on_the_machine_says_that_it_was_installed_and_not_released(client: FlaskClient) -> None:
    factories.package("Example", releases=[factories.release("1.0", comment=INSTALLED_HERE)])

    page = read(client, "/project/example/")

    assert words(one(page, ".project-title p")) == "Installed here on 1 Mar 2024"


@pytest.mark.parametrize(
    ("address", "wanted"),
    [
        ("/project/flask-login/", "flask-login"),
        ("/project/flask-login/1.1/", "flask-login"),
        ("/project/flask-login/1.0/", "flask-login==1.0"),
        ("/project/flask-login/2.0rc1/", "flask-login==2.0rc1"),
    ],
)
def test_install_line_names_this_index_and_the_version_unless_it_is_the_latest(
    client: FlaskClient, address: str, wanted: str
) -> None:
    factories.package("Flask_Login", releases=["1.0", "1.1", "2.0rc1"])

    page = read(client, address)

    command = f"pip install --index-url http://localhost/simple/ {wanted}"
    assert words(one(page, ".install code")) == command
    assert one(page, ".install button")["data-copy"] == command


def test_release_without_files_has_no_line_to_install_it(client: FlaskClient) -> None:
    factories.package("Example", releases=["1.0", "1.1"])
    Package._get_collection().update_one({}, {"$set": {"releases.0.files": []}})

    assert read(client, "/project/example/").select(".install") == []
    assert one(read(client, "/project/example/1.0/"), ".install code")


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


def test_description_is_shown_as_it_was_rendered(client: FlaskClient) -> None:
    factories.package("Example", description="# Much ado\n\nabout *nothing*", description_content_type="text/markdown")

    page = read(client, "/project/example/")

    assert "Much ado" in words(one(page, "#description .description"))


def test_missing_description_is_admitted(client: FlaskClient) -> None:
    factories.package("Example")

    page = read(client, "/project/example/")

    assert words(one(page, "#description")) == "Example has no description."


def test_tabs_lead_to_their_panes_and_tell_how_much_is_there(client: FlaskClient) -> None:
    factories.package("Example", releases=["1.0", "1.1"])

    page = read(client, "/project/example/")

    assert links(page, ".tab") == [
        ("Description", "#description"),
        ("Release history 2", "#history"),
        ("Files 1", "#files"),
    ]
    for tab in page.select(".tab"):
        assert one(page, str(tab["href"]))["aria-labelledby"] == tab["id"]


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


def test_page_past_the_end_of_the_history_is_not_found(client: FlaskClient) -> None:
    factories.package("Example", releases=many_releases(51))

    page = read(client, "/project/example/?page=3", 404)

    assert "The release history has 2 pages." in words(page)


def test_files_are_grouped_sdists_apart_from_wheels(client: FlaskClient) -> None:
    sdist = factories.release_file(
        filename="example-1.0.tar.gz",
        packagetype="sdist",
        python_version="source",
        size=57_600,
        url="https://f.example/s",
    )
    wheel = factories.release_file(size=1_234_567, requires_python=">=3.9")
    egg = factories.release_file(filename="example-1.0.egg", packagetype="bdist_egg", url=None)
    factories.package("Example", releases=[factories.release("1.0", files=[wheel, egg, sdist])])

    page = read(client, "/project/example/")

    assert texts(page, "#files h3") == ["Source distributions", "Built distributions (wheels)", "Other files"]
    assert texts(page, "#files .file-name") == ["example-1.0.tar.gz", "example-1.0-py3-none-any.whl", "example-1.0.egg"]
    assert links(page, "#files .file-name a") == [
        ("example-1.0.tar.gz", "https://f.example/s"),
        ("example-1.0-py3-none-any.whl", "https://files.example.org/example-1.0-py3-none-any.whl"),
    ]
    assert texts(page, "#files .file-facts") == [
        "57.6 kB · uploaded 1 Mar 2024",
        "1.2 MB · py3 · Python >=3.9 · uploaded 1 Mar 2024",
        "1.2 kB · py3 · uploaded 1 Mar 2024",
    ]
    assert page.select("#files select") == []


def test_files_show_hashes_that_can_be_copied(client: FlaskClient) -> None:
    file = factories.release_file(sha256="1" * 64, blake2b_256="2" * 64, md5=None)
    factories.package("Example", releases=[factories.release("1.0", files=[file])])

    page = read(client, "/project/example/")

    assert facts(page, ".hashes") == {"SHA-256": "1" * 64, "BLAKE2b-256": "2" * 64}
    assert [button["data-copy"] for button in page.select(".hashes button")] == ["1" * 64, "2" * 64]
    assert [button["aria-label"] for button in page.select(".hashes button")] == [
        "Copy the SHA-256 hash",
        "Copy the BLAKE2b-256 hash",
    ]


def test_yanked_file_is_marked(client: FlaskClient) -> None:
    files = [factories.release_file(yanked=True, yanked_reason="wrong file"), factories.release_file(filename="b.whl")]
    factories.package("Example", releases=[factories.release("1.0", files=files)])

    page = read(client, "/project/example/")

    mark = one(page, "#files .mark-bad")
    assert (words(mark), mark["title"]) == ("yanked", "wrong file")


def test_wheels_for_several_interpreters_can_be_filtered(client: FlaskClient) -> None:
    tags = ["cp311-cp311-macosx_11_0_arm64", "cp312-cp312-win_amd64", "py2.py3-none-any"]
    files = [factories.release_file(filename=f"example-1.0-{tag}.whl") for tag in tags]
    factories.package("Example", releases=[factories.release("1.0", files=files)])

    page = read(client, "/project/example/")

    choices = {words(label).split()[0]: texts(label, "option") for label in page.select(".file-filters label")}
    assert choices == {
        "Interpreter": ["any", "cp311", "cp312", "py2", "py3"],
        "ABI": ["any", "cp311", "cp312", "none"],
        "Platform": ["any", "any", "macosx_11_0_arm64", "win_amd64"],
    }
    assert [file["data-interpreters"] for file in page.select(".file")] == ["cp311", "cp312", "py2 py3"]


def test_side_column_has_every_fact(client: FlaskClient) -> None:
    ada = factories.user("Ada Lovelace")
    factories.package(
        "Example",
        releases=[factories.release("1.0", size=1500, requires_python=">=3.8"), factories.release("0.9", size=9)],
        home_page="https://example.org/home/",
        project_urls={"Source": "https://www.github.com/example/example", "Homepage": "https://example.org/home"},
        docs_url="https://docs.example.org",
        bugtrack_url="https://bugs.example.org",
        download_url="https://example.org/get",
        author_name="Grace Hopper",
        author_email="grace@example.org",
        maintainer_name="Alan Turing",
        license="MIT License",
        keywords=["kitchen", "jam & honey"],
        classifiers=[
            "Topic :: Internet",
            "Topic :: Text Processing :: Markup",
            "Framework :: Flask",
            "Programming Language :: C++",
        ],
        requires_dist=["click>=8", "rich; extra == 'colour'"],
        provides_extra=["test", "colour"],
        requires_python=">=3.7",
        maintainers=[Maintainer(user_id=ada.id, name="Ada Lovelace", role="owner")],
    )

    side = one(read(client, "/project/example/"), ".project-side")

    sections = {words(one(section, "h2")): section for section in side.select("section")}
    assert links(sections["Links"]) == [
        ("Homepage", "https://example.org/home/"),
        ("Source", "https://www.github.com/example/example"),
        ("Documentation", "https://docs.example.org"),
        ("Bug tracker", "https://bugs.example.org"),
        ("Download", "https://example.org/get"),
    ]
    assert texts(sections["Links"], ".muted")[1] == "github.com"
    assert facts(sections["Facts"], ".facts") == {
        "Licence": "MIT",
        "Author": "Grace Hopper",
        "Maintainer named in the metadata": "Alan Turing",
        "Requires Python": ">=3.8",
        "First release": "1 Mar 2024",
        "Newest release": "1 Mar 2024",
        "Size of this release": "1.5 kB",
    }
    assert links(sections["Facts"]) == [("MIT", "/license/MIT/"), ("Grace Hopper", "mailto:grace@example.org")]
    assert links(sections["Maintainers"], "li a") == [("Ada Lovelace", f"/user/{ada.id}/")]
    assert "owner" in words(sections["Maintainers"])
    assert texts(sections["Requires"], "li") == ["click>=8", "rich; extra == 'colour'"]
    assert texts(sections["Extras"], "li") == ["colour", "test"]
    assert links(sections["Keywords"]) == [
        ("kitchen", "/search/?q=kitchen"),
        ("jam & honey", "/search/?q=jam+%26+honey"),
    ]
    assert texts(sections["Classifiers"], "h3") == ["Topic", "Framework", "Programming Language"]
    assert links(sections["Classifiers"]) == [
        ("Internet", "/classifier/Topic%20::%20Internet/"),
        ("Text Processing :: Markup", "/classifier/Topic%20::%20Text%20Processing%20::%20Markup/"),
        ("Flask", "/classifier/Framework%20::%20Flask/"),
        ("C++", "/classifier/Programming%20Language%20::%20C++/"),
    ]
    assert links(side, ".feed-link") == [("Releases as RSS", "/rss/project/example/releases.xml")]


def test_each_of_several_licence_classifiers_is_shown_and_leads_to_its_list(client: FlaskClient) -> None:
    osi = "License :: OSI Approved"
    factories.package("Example", classifiers=[osi, f"{osi} :: MIT License", f"{osi} :: Apache Software License"])

    side = one(read(client, "/project/example/"), ".project-side .facts")

    assert [label for label, _ in links(side)] == ["MIT", "Apache Software License"]
    assert [client.get(address).status_code for _, address in links(side)] == [200, 200]


def test_side_column_leaves_out_what_nobody_wrote(client: FlaskClient) -> None:
    factories.package("Example", releases=[])

    side = one(read(client, "/project/example/"), ".project-side")

    assert texts(side, "h2") == ["Facts"]
    assert list(facts(side, ".facts")) == ["First release"]


def test_every_link_of_the_side_column_leads_somewhere(client: FlaskClient) -> None:
    ada = factories.user()
    factories.package(
        "Example",
        license="MIT/X11 & others?",
        keywords=["a/b", "#1", "100%"],
        classifiers=["Programming Language :: C#", "Topic :: What? :: 100%", "Odd", "License :: http://example.org//x"],
        maintainers=[Maintainer(user_id=ada.id, name="Ada")],
    )

    side = one(read(client, "/project/example/"), ".project-side")

    # The link of who looks after the project is hidden until a script shows it.
    followed = [client.get(address).status_code for _, address in links(side, ":not([hidden]) > a")]
    assert followed == [200] * 11


def test_canonical_link_and_open_graph_name_the_project(client: FlaskClient) -> None:
    factories.package("Example", releases=["1.0", "1.1"], summary='Says "hello" & more')

    page = read(client, "/project/example/1.1/", base_url="https://packages.example.org")

    here = "https://packages.example.org/project/example/"
    assert one(page, "link[rel=canonical]")["href"] == here
    properties = {str(meta["property"]): meta["content"] for meta in page.select("meta[property]")}
    assert properties == {
        "og:site_name": "Larder",
        "og:type": "website",
        "og:title": "Example",
        "og:description": 'Says "hello" & more',
        "og:url": here,
        "og:image": "https://packages.example.org/static/img/favicon.png",
    }
    assert one(page, "meta[name=description]")["content"] == 'Says "hello" & more'


@pytest.mark.parametrize("name", ["Flask-Login", "flask_login", "FLASK.LOGIN", "flask--login", "flask-_.login"])
@pytest.mark.parametrize(
    ("rest", "right"),
    [
        ("", ""),
        ("1.0/", "1.0/"),
        ("1.0.0/", "1.0/"),
        ("v1.0/", "1.0/"),
        ("?page=1", "?page=1"),
        ("1/?page=1", "1.0/?page=1"),
    ],
)
def test_every_spelling_leads_to_one_address(client: FlaskClient, name: str, rest: str, right: str) -> None:
    factories.package("Flask-Login", releases=["1.0"])

    response = client.get(f"/project/{name}/{rest}")

    assert (response.status_code, response.headers["Location"]) == (301, f"/project/flask-login/{right}")
    assert client.get(response.headers["Location"]).status_code == 200


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


def test_spelling_mistake_in_name_and_version_costs_one_redirect(client: FlaskClient) -> None:
    factories.package("Flask-Login", releases=["1.0"])

    response = client.get("/project/Flask_Login/v1.0.0/", follow_redirects=True)

    assert len(response.history) == 1
    assert response.request.path == "/project/flask-login/1.0/"


def test_missing_slash_costs_nobody_the_page(client: FlaskClient) -> None:
    factories.package("Example", releases=["1.0"])

    for address in ("/project/example", "/project/example/1.0"):
        assert client.get(address, follow_redirects=True).status_code == 200


@pytest.mark.parametrize(
    ("address", "right"),
    [
        ("/pypi/Flask_Login/", "/project/flask-login/"),
        ("/pypi/Flask_Login/1.0/", "/project/flask-login/1.0/"),
        ("/p/Flask_Login/", "/project/flask-login/"),
    ],
)
def test_old_addresses_lead_to_the_page(client: FlaskClient, address: str, right: str) -> None:
    factories.package("Flask-Login", releases=["1.0"])

    response = client.get(address)

    assert (response.status_code, response.headers["Location"]) == (301, right)


@pytest.mark.parametrize("name", ["no-such-project", "No.Such", "not a name", "-x-", "ﬂask"])
def test_unknown_name_is_a_page_that_offers_a_search(client: FlaskClient, name: str) -> None:
    page = read(client, f"/project/{name}/", 404)

    form = one(page, "main form")
    assert form["action"] == "/search/"
    assert one(form, "input")["value"] == name


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


def test_maintainer_without_a_name_is_still_linked(client: FlaskClient) -> None:
    key = bson.ObjectId()
    factories.package("Example", maintainers=[Maintainer(user_id=key)])

    page = read(client, "/project/example/")

    assert ("Unnamed user", f"/user/{key}/") in links(page, ".project-side a")


def test_time_of_a_release_is_exact_to_the_second_in_utc(client: FlaskClient) -> None:
    factories.package(
        "Example", releases=[factories.release("1.0", created_date=datetime(2024, 1, 1, 23, 59, 58, tzinfo=UTC))]
    )

    time = one(read(client, "/project/example/"), ".project-title time")

    assert (time["datetime"], time["title"]) == ("2024-01-01T23:59:58Z", "2024-01-01 23:59:58 UTC")


def used_by(page: Tag) -> list[tuple[str, str]]:
    [section] = [each for each in page.select(".project-side section") if words(one(each, "h2")) == "Used by"]
    return links(section)


def test_page_names_the_projects_that_use_this_one(client: FlaskClient) -> None:
    factories.package("Flask", requires_dist=["werkzeug"])
    for number in range(8):
        factories.package(f"Flask.{number}", requires_dist=["flask>=3"])

    few = used_by(read(client, "/project/flask/"))
    factories.package("one-more", requires_dist=["Flask"])
    many = used_by(read(client, "/project/flask/"))

    assert [text for text, _ in few[:-1]] == [f"Flask.{number}" for number in range(8)]
    assert few[-1] == ("Compare with other versions", "/used-by/flask/")
    assert few[0][1] == "/project/flask-0/"
    assert len(many) == 9
    assert many[-1] == ("All projects that require Flask", "/used-by/flask/")


def test_release_says_which_projects_ask_for_other_versions(client: FlaskClient) -> None:
    factories.package("Flask", releases=["2.0", "3.0"])
    factories.package("careful", requires_dist=["flask<3,>=2; python_version<'3.12'"])
    factories.package("trusting", requires_dist=["Flask"])

    latest, older = (read(client, address) for address in ("/project/flask/", "/project/flask/2.0/"))

    assert texts(latest, ".users .asked") == ["<3,>=2 if python_version<'3.12' not 3.0", "any version"]
    assert texts(older, ".users .asked") == ["<3,>=2 if python_version<'3.12'", "any version"]
    assert used_by(older)[-1][1] == "/used-by/flask/?version=2.0"


def test_page_of_a_project_that_nothing_requires_says_nothing_of_it(client: FlaskClient) -> None:
    factories.package("lonely")

    assert "Used by" not in texts(read(client, "/project/lonely/"), "h2")


def test_page_charts_the_downloads_of_the_last_weeks(client: FlaskClient) -> None:
    factories.package("Flask", releases=["1.0", "2.0"])
    today = utc_now().date()
    counted(
        f"flask 2.0 {today}", f"flask 2.0 {today}", f"flask 1.0 {today - timedelta(days=90)}", "flask 1.0 2020-01-01"
    )

    page = read(client, "/project/flask/")

    pane = one(page, "#downloads")
    assert words(one(page, "#downloads-tab")) == "Downloads 3"
    assert words(one(pane, "p.muted")).startswith("3 in the last 13 weeks, 4 in total.")
    days = texts(pane, ".chart-wide title")
    assert (len(days), days[0], days[-1]) == (91, f"{today - timedelta(days=90)}: 1", f"{today}: 2")
    assert texts(pane, ".data-table td") == ["1", *["0"] * 11, "2"]
    assert texts(pane, ".bars tbody tr") == ["2.0 2", "1.0 1"]


def test_page_of_a_project_that_was_fetched_long_ago_has_no_chart(client: FlaskClient) -> None:
    factories.package("Flask")
    counted("flask 1.0 2020-01-01")

    page = read(client, "/project/flask/")

    assert words(one(page, "#downloads .nothing")) == "No downloads in the last 13 weeks; 1 before that."


def test_page_of_a_project_that_nobody_fetched_says_nothing_of_downloads(client: FlaskClient) -> None:
    factories.package("Flask")

    assert read(client, "/project/flask/").select("#downloads, #downloads-tab") == []


@pytest.mark.parametrize(
    "broken", [{"days": "many"}, {"days": {"01": "x"}}, {"count": "x"}, {"month": 5}, {"version": 5}, {"days": [1]}]
)
def test_counts_that_were_broken_by_hand_break_no_page(client: FlaskClient, broken: dict[str, Any]) -> None:
    factories.package("Flask")
    counted(f"flask 1.0 {utc_now():%Y-%m-%d}", "flask 1.0 2020-01-01")
    for key in (f"flask/1.0/{utc_now():%Y-%m}", f"flask/{utc_now():%Y-%m}", f"{utc_now():%Y-%m}"):
        DownloadCount._get_collection().update_one({"_id": key}, {"$set": broken})

    assert words(one(read(client, "/project/flask/"), "h1")) == "Flask 1.0"
    assert words(one(read(client, "/stats/"), "h1")) == "Statistics"
