from datetime import UTC, datetime, timedelta
from typing import Any

import bson
import pytest
from bs4 import Tag
from flask.testing import FlaskClient

from tests import factories
from tests.counting import counted
from tests.packages.reading import banners
from tests.reading import facts, links, one, read, texts, words
from webapp.changes.installed import INSTALLED_HERE
from webapp.documents import DownloadCount, Maintainer, Package
from webapp.documents.base import utc_now


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
    assert texts(sections["Requires"], "li") == ["click >=8"]
    assert texts(sections["Extras"], ".extras > li") == ["colour 1 rich", "test"]
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
    assert links(side, ".feed-link") == [
        ("Watch Example", "/account/watching?project=example"),
        ("Releases as RSS", "/rss/project/example/releases.xml"),
    ]


def test_requirements_lead_to_the_projects_that_are_here_and_stand_under_their_extras(client: FlaskClient) -> None:
    factories.package("Click")
    factories.package("py.test")
    requirements = [
        "click>=8,<9",
        "NotHere[x]; python_version < '3.9'",
        "Py-Test ; extra == 'test'",
        "tox; extra == 'test'",
    ]
    factories.package("Example", requires_dist=requirements, provides_extra=["test", "none"])

    side = one(read(client, "/project/example/"), ".project-side")

    sections = {words(one(section, "h2")): section for section in side.select("section")}
    assert texts(sections["Requires"], "li") == ["click >=8,<9", "NotHere [x] if python_version < '3.9'"]
    assert texts(sections["Requires"], ".muted") == ["if python_version < '3.9'"]
    assert links(sections["Requires"]) == [("click", "/project/click/")]
    assert texts(sections["Extras"], ".extras > li") == ["none", "test 2 Py-Testtox"]
    assert links(sections["Extras"]) == [("Py-Test", "/project/py-test/")]


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
    # Who watches a project is asked to sign in.
    assert followed == [200] * 10 + [302, 200]


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
    assert texts(pane, ".chart-wide title") == [f"{today - timedelta(days=90)}: 1", f"{today}: 2"]
    weeks, by_day = (texts(table, "td") for table in pane.select(".data-table"))
    assert weeks == ["1", *["0"] * 11, "2"]
    assert by_day == ["1", *["0"] * 89, "2"]
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


def test_near_miss_offers_the_project_that_is_likely_meant(client: FlaskClient) -> None:
    factories.package("Flask_Login")

    page = read(client, "/project/flask-logni/", 404)

    assert links(page, ".hint a") == [("Flask_Login", "/project/flask-login/")]
    assert read(client, "/project/something-else/", 404).select(".hint") == []
