from datetime import UTC, datetime

import pytest
from flask.testing import FlaskClient

from tests import factories
from tests.reading import links, one, read, texts, words
from webapp.documents import Package


def on(year: int) -> datetime:
    return datetime(year, 1, 1, tzinfo=UTC)


@pytest.fixture
def three(client: FlaskClient) -> FlaskClient:
    """Three projects that come in another sequence in each order."""
    factories.package("beta", releases=[factories.release("1.0", created_date=on(2020))])
    releases = [factories.release(f"1.{n}", created_date=on(2018 + n)) for n in range(4)]
    factories.package("Alpha", releases=releases)
    releases = [factories.release("2.0", created_date=on(2019)), factories.release("1.9", created_date=on(2022))]
    factories.package("gamma", releases=releases)
    return client


@pytest.mark.parametrize(
    ("order", "rows"),
    [
        ("name", ["Alpha 1.3 1 Jan 2021", "beta 1.0 1 Jan 2020", "gamma 2.0 1 Jan 2019"]),
        ("newest", ["beta 1.0 1 Jan 2020", "gamma 2.0 1 Jan 2019", "Alpha 1.3 1 Jan 2018"]),
        ("updated", ["gamma 1.9 1 Jan 2022", "Alpha 1.3 1 Jan 2021", "beta 1.0 1 Jan 2020"]),
        ("releases", ["Alpha 1.3 1 Jan 2021", "gamma 2.0 1 Jan 2019", "beta 1.0 1 Jan 2020"]),
    ],
)
def test_projects_are_listed_in_each_order(three: FlaskClient, order: str, rows: list[str]) -> None:
    page = read(three, f"/projects/?order={order}")

    assert [
        f"{words(one(row, '.package-link'))} {words(one(row, 'time'))}" for row in page.select(".package-row")
    ] == rows
    here = one(page, ".segments [aria-current]")
    assert here["href"] == ("/projects/" if order == "name" else f"/projects/?order={order}")


def test_projects_are_listed_when_the_database_lost_their_number(
    three: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As MongoDB does when it is killed."""
    monkeypatch.setattr(type(Package._get_collection()), "estimated_document_count", lambda _: 0)

    page = read(three, "/projects/")

    assert len(page.select(".package-row")) == 3
    assert words(one(page, ".page-head .muted")) == "3 projects"


def test_projects_come_by_name_when_no_order_is_asked_for(three: FlaskClient) -> None:
    page = read(three, "/projects/")

    assert words(one(page, "h1")) == "Projects"
    assert words(one(page, ".page-head .muted")) == "3 projects"
    assert links(page, ".package-link")[0] == ("Alpha 1.3", "/project/alpha/")
    assert links(page, ".segments a") == [
        ("A–Z", "/projects/"),
        ("Newest projects", "/projects/?order=newest"),
        ("Newest releases", "/projects/?order=updated"),
        ("Most releases", "/projects/?order=releases"),
    ]


@pytest.mark.parametrize("order", ["", "Name", "name'", "$natural", "-created_date"])
def test_unknown_order_is_refused_with_those_there_are(client: FlaskClient, order: str) -> None:
    page = read(client, f"/projects/?order={order}", 400)

    assert "Choose one of these orders: name, newest, updated, releases." in words(page)


@pytest.mark.parametrize(
    ("prefix", "names"),
    [
        ("zope", ["zope.event", "Zope.Interface", "zoper"]),
        ("Zope.", ["zope.event", "Zope.Interface"]),
        ("zope_i", ["Zope.Interface"]),
        (" zoper ", ["zoper"]),
        ("ope", []),
        ("z.*", []),
    ],
)
def test_projects_can_be_narrowed_to_a_beginning_of_the_name(
    client: FlaskClient, prefix: str, names: list[str]
) -> None:
    for name in ("Zope.Interface", "zope.event", "zoper", "azope"):
        factories.package(name)

    page = read(client, "/projects/", query_string={"starts": prefix})

    assert texts(page, ".package-name") == names
    assert one(page, "#starts")["value"] == prefix.strip().lower()


def test_prefix_that_nothing_has_is_named(client: FlaskClient) -> None:
    page = read(client, "/projects/?starts=q")

    assert words(one(page, ".nothing")) == "No project name starts with “q”."


def test_prefix_goes_with_the_order_by_name_only(client: FlaskClient) -> None:
    page = read(client, "/projects/?order=newest&starts=a", 400)

    assert "A list of names with a prefix can only be ordered by name." in words(page)


def test_empty_site_has_an_empty_list(client: FlaskClient) -> None:
    page = read(client, "/projects/")

    assert words(one(page, ".nothing")) == "No projects yet."
    assert words(one(page, ".page-head .muted")) == "0 projects"


def test_lists_are_paged_twenty_at_a_time(client: FlaskClient) -> None:
    for number in range(45):
        factories.package(f"package-{number:02}")

    pages = [read(client, f"/projects/?starts=pack&page={number}") for number in (1, 2, 3)]

    assert [len(page.select(".package-row")) for page in pages] == [20, 20, 5]
    assert words(one(pages[0], ".page-head .muted")) == "45 projects"
    assert texts(pages[2], ".package-name")[-1] == "package-44"
    assert links(pages[1], ".pager a") == [
        (text, f"/projects/?starts=pack&page={number}")
        for text, number in (("Previous", 1), ("1", 1), ("3", 3), ("Next", 3))
    ]
    assert "This list has only 3 pages." in words(read(client, "/projects/?page=4", 404))


@pytest.mark.parametrize(
    "argument", ["_scheme=javascript", "_external=1", "_anchor=x", "_method=POST", "endpoint=x", "version=1"]
)
def test_foreign_arguments_get_into_no_link_to_another_page(client: FlaskClient, argument: str) -> None:
    for number in range(21):
        factories.package(f"package-{number}", license="MIT")

    for address in ("/projects/", "/license/MIT/", "/search/"):
        page = read(client, f"{address}?{argument}")

        assert [href.partition("?")[0] for _, href in links(page, ".pager a")] == [address] * 2


def test_pages_keep_the_order(client: FlaskClient) -> None:
    for number in range(21):
        factories.package(f"package-{number}")

    page = read(client, "/projects/?order=releases")

    assert ("Next", "/projects/?order=releases&page=2") in links(page, ".pager a")


@pytest.mark.parametrize(
    ("address", "kind", "title"),
    [
        ("/license/MIT/", "Licence", "MIT"),
        ("/language/c++/", "Language", "C++"),
        ("/classifier/Framework :: Flask/", "Classifier", "Framework :: Flask"),
    ],
)
def test_projects_are_listed_under_licence_language_and_classifier(
    client: FlaskClient, address: str, kind: str, title: str
) -> None:
    filed = {"license": "MIT License", "classifiers": ["Programming Language :: C++", "Framework :: Flask"]}
    factories.package("old", releases=[factories.release("1.0", created_date=on(2019))], **filed)
    factories.package("new", releases=[factories.release("1.0", created_date=on(2020))], **filed)
    factories.package("other", license="BSD", classifiers=["Programming Language :: C", "Framework :: Flask :: X"])

    page = read(client, address)

    assert words(one(page, "h1")) == title
    assert words(one(page, ".eyebrow")) == kind
    assert words(one(page, ".page-head .muted")) == "2 projects"
    assert texts(page, ".package-name") == ["new", "old"]
    assert words(one(page, "title")) == f"{title} · Larder"


@pytest.mark.parametrize("address", ["/license/MIT/", "/language/c/", "/classifier/Topic :: X/"])
def test_label_that_no_project_has_is_not_found(client: FlaskClient, address: str) -> None:
    page = read(client, address, 404)

    assert "No project" in words(one(page, ".lead"))


def test_licence_that_lost_its_last_project_keeps_its_page(client: FlaskClient) -> None:
    package = factories.package("example", license="MIT", classifiers=["Programming Language :: C"])
    package.delete()

    for address in ("/license/MIT/", "/language/c/"):
        assert words(one(read(client, address), ".nothing")) == "No projects yet."


@pytest.mark.parametrize(
    "license", ["MIT/X11", "http://www.example.org/LICENSE-2.0", "a & b?", "100% free", "#1", "GPL (>= 2)"]
)
def test_licence_of_any_spelling_has_its_page(client: FlaskClient, license: str) -> None:
    factories.package("example", license=license)

    page = read(client, "/project/example/")
    address = dict(links(page, ".facts a"))[license]

    assert texts(read(client, address), ".package-name") == ["example"]


def test_projects_that_require_another_are_listed_the_newest_release_first(client: FlaskClient) -> None:
    required = {"old": "Flask_Login", "new": "flask.login>3", "other": "flask"}
    for year, (name, requirement) in enumerate(required.items(), 2019):
        factories.package(name, releases=[factories.release("1.0", created_date=on(year))], requires_dist=[requirement])

    page = read(client, "/used-by/flask-login/")

    assert (words(one(page, ".eyebrow")), words(one(page, "h1"))) == ("Projects that require", "flask-login")
    assert texts(page, ".package-name") == ["new", "old"]


def test_list_of_users_compares_with_the_latest_version_or_the_one_asked_about(client: FlaskClient) -> None:
    factories.package("Flask", releases=["2.0", "3.0"])
    factories.package("careful", requires_dist=["flask<3"])

    latest, older, future = (
        texts(read(client, f"/used-by/flask/{query}"), ".asked") for query in ("", "?version=2.0", "?version=9!1")
    )

    assert (latest, older, future) == (["<3 not 3.0"], ["<3"], ["<3 not 9!1"])
    assert client.get("/used-by/flask/?version=old").status_code == 400


def test_project_that_nothing_requires_has_no_list(client: FlaskClient) -> None:
    factories.package("lonely")

    assert "No project here requires “lonely”." in words(one(read(client, "/used-by/lonely/", 404), ".lead"))


def test_other_spelling_leads_to_the_list(client: FlaskClient) -> None:
    response = client.get("/used-by/Flask_Login/")

    assert (response.status_code, response.location) == (301, "/used-by/flask-login/")


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
