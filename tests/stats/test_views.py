from datetime import UTC, datetime

import pytest
from bs4 import Tag
from flask.testing import FlaskClient

from tests import factories
from tests.counting import counted
from tests.reading import facts, links, one, read, texts, words
from webapp.documents import License, Maintainer, Package, Release
from webapp.documents.base import utc_now
from webapp.stats.views import by_year, filled_months


def month(id: str, count: int) -> dict[str, object]:
    return {"id": id, "name": id, "count": count}


def test_months_without_a_release_are_filled_in() -> None:
    months = filled_months([month("2023-11", 2), month("2024-02", 5)])

    assert [(row["id"], row["count"]) for row in months] == [
        ("2023-11", 2),
        ("2023-12", 0),
        ("2024-01", 0),
        ("2024-02", 5),
    ]


def test_single_month_and_none_are_as_they_are() -> None:
    assert filled_months([month("2024-12", 1)]) == [{"id": "2024-12", "count": 1}]
    assert filled_months([]) == []


def test_order_of_the_months_does_not_matter() -> None:
    rows = [month("2024-02", 1), month("2024-01", 2)]

    assert filled_months(rows) == filled_months(rows[::-1])


@pytest.mark.parametrize(
    "odd",
    [
        {},
        {"id": "2024-01"},
        {"count": 3},
        month("2024", 1),
        month("2024-13", 1),
        month("2024-00", 1),
        month("soon", 1),
        month("9999-12", 1),
        month("0001-01", 1),
        month("2024-1", 1),
        month("2024-01-01", 1),
        month("٢٠٢٤-٠١", 1),
        month("2024-01", 0),
        month("2024-01", -5),
        month("2024-01", 2**63 - 1),
        month("2024-01\n", 1),
    ],
)
def test_what_is_no_month_or_no_number_of_releases_is_left_out(odd: dict[str, object]) -> None:
    assert filled_months([odd, month("2024-03", 1)]) == [{"id": "2024-03", "count": 1}]


def test_years_are_the_sums_of_their_months() -> None:
    months = filled_months([month("2022-12", 1), month("2024-01", 2), month("2024-12", 3)])

    assert by_year(months) == [{"id": "2022", "count": 1}, {"id": "2023", "count": 0}, {"id": "2024", "count": 5}]
    assert by_year([]) == []


def release_on(number: int, year: int, month: int) -> Release:
    return factories.release(f"1.{number}", created_date=datetime(year, month, 1, tzinfo=UTC))


def bars_of(chart: Tag) -> dict[str, str]:
    """What each column of a chart says of itself on hover."""
    return {key: count for key, _, count in (words(title).partition(": ") for title in chart.select("rect title"))}


def test_page_counts_projects_releases_and_users(client: FlaskClient) -> None:
    factories.package("one", releases=["1.0", "1.1"])
    factories.user()

    page = read(client, "/stats/")

    assert words(one(page, "h1")) == "Statistics"
    assert facts(page, ".counts") == {"project": "1", "releases": "2", "user": "1", "downloads": "0"}
    assert words(one(page, ".page-head .muted")).startswith("Counted at 20")


def tables(page: Tag) -> list[Tag]:
    return list(page.select(".data-table"))


def test_charts_and_tables_have_the_same_numbers(client: FlaskClient) -> None:
    dates = [(2021, 11), (2021, 12), (2021, 12), (2023, 1)]
    factories.package("one", releases=[release_on(n, *date) for n, date in enumerate(dates)])

    page = read(client, "/stats/")

    wide, narrow = (bars_of(one(page, f".chart-{width}")) for width in ("wide", "narrow"))
    years, months = (dict(zip(texts(each, "th[scope=row]"), texts(each, "td"), strict=True)) for each in tables(page))
    assert years == {"2021": "3", "2022": "0", "2023": "1"}
    assert narrow == {"2021": "3", "2023": "1"}
    assert wide == {"2021-11": "1", "2021-12": "2", "2023-01": "1"}
    assert len(months) == 15
    assert {key: count for key, count in months.items() if count != "0"} == wide


def test_heights_of_columns_are_in_proportion(client: FlaskClient) -> None:
    dates = [(2023, 1), (2023, 2), (2023, 2), (2023, 2), (2023, 2)]
    factories.package("one", releases=[release_on(n, *date) for n, date in enumerate(dates)])

    chart = one(read(client, "/stats/"), ".chart-wide")

    low, high = (float(str(bar["height"])) for bar in chart.select("rect"))
    assert high == pytest.approx(4 * low, rel=0.01)
    left, top, width, height = (float(part) for part in str(chart["viewbox"]).split())
    for bar in chart.select("rect"):
        x, y, w, h = (float(str(bar[name])) for name in ("x", "y", "width", "height"))
        assert left <= x <= x + w <= width
        assert top <= y <= y + h <= height


def test_chart_is_described_for_those_who_do_not_see_it(client: FlaskClient) -> None:
    factories.package("one", releases=[release_on(0, 2021, 11), release_on(1, 2022, 1)])

    page = read(client, "/stats/")

    chart = one(page, ".chart-wide")
    assert chart["role"] == "img"
    assert chart["aria-label"] == "Releases per month from 2021-11 to 2022-01; the tables below have the numbers"
    assert texts(page, ".data-table th[scope=col]") == ["Year", "Releases", "Month", "Releases"]


def test_most_frequent_are_listed_with_links_that_lead_there(client: FlaskClient) -> None:
    ada = factories.user("Ada Lovelace")
    for number in range(2):
        factories.package(
            f"package-{number}",
            license="MIT",
            classifiers=["Programming Language :: C#", "Topic :: Internet"],
            maintainers=[Maintainer(user_id=ada.id, name="Ada")],
        )
    factories.package("other", license="ISC")

    page = read(client, "/stats/")

    rows = {words(one(table, "caption")): texts(table, "tbody tr") for table in page.select("table.bars")}
    assert rows == {
        "Licences": ["MIT 2", "ISC 1"],
        "Languages": ["C# 2"],
        "Maintainers": ["Ada Lovelace 2"],
        "Classifiers": ["Topic :: Internet 2"],
    }
    for text, address in links(page, "table.bars a"):
        found = read(client, address)
        assert words(one(found, "h1")) == text
        assert len(found.select(".package-row")) == (1 if text == "ISC" else 2)


def test_licences_that_mean_the_same_are_one_row_that_leads_to_all_their_projects(client: FlaskClient) -> None:
    for number, text in enumerate(["MIT", "The MIT License (MIT)", "Expat license", "BSD", "Our own"]):
        factories.package(f"package-{number}", license=text)
    # As the move from SQL writes it.
    Package.objects.raw().update_one({"_id": "package-1"}, {"$set": {"license_id": "MIT license"}})
    License.objects.add_missing([("MIT license", "MIT license")])

    page = read(client, "/stats/")

    assert texts(page, "[aria-labelledby=licences] tbody tr") == ["MIT 3", "BSD License 1", "Our own 1"]
    for address in ("/license/MIT/", "/license/The MIT License/"):
        found = read(client, address, follow_redirects=True)
        assert sorted(texts(found, ".package-name")) == ["package-0", "package-1", "package-2"]
    assert client.get("/license/The MIT License/").headers["Location"] == "/license/MIT/"


def test_classifier_that_names_no_language_has_no_link(client: FlaskClient) -> None:
    factories.package("one", classifiers=["Programming Language :: ???"])

    page = read(client, "/stats/")

    assert texts(page, "[aria-labelledby=languages] tbody th") == ["???"]
    assert page.select("[aria-labelledby=languages] a") == []


def test_empty_site_has_no_chart(client: FlaskClient) -> None:
    page = read(client, "/stats/")

    assert facts(page, ".counts") == {"projects": "0", "releases": "0", "users": "0", "downloads": "0"}
    assert page.select("main svg, main table") == []


def test_downloads_of_the_site_and_of_the_busiest_projects_are_shown(client: FlaskClient) -> None:
    factories.package("Flask_Login")
    today = utc_now().date()
    counted(f"flask-login 1.0 {today}", f"flask-login 1.0 {today}", f"gone 1.0 {today}", "flask-login 1.0 2020-01-01")

    page = read(client, "/stats/")

    section = one(page, "[aria-labelledby=downloads]")
    assert words(one(section, "p")).startswith("3 in the last 13 weeks, 4 in total.")
    assert facts(page, ".counts")["downloads"] == "4"
    assert texts(section, ".chart-wide title")[-1] == f"{today}: 3"
    weeks, days = (texts(each, "tbody td") for each in tables(section))
    assert (len(weeks), len(days)) == (13, 91)
    assert weeks[-1] == days[-1] == "3"
    assert texts(page, "[aria-labelledby=most-downloaded] tbody tr") == ["Flask_Login 2"]
    assert links(page, "[aria-labelledby=most-downloaded] a") == [("Flask_Login", "/project/flask-login/")]


def test_programs_get_the_numbers_as_json(client: FlaskClient) -> None:
    dates = [(2021, 11), (2022, 1)]
    releases = [release_on(n, *date) for n, date in enumerate(dates)]
    factories.package("one", releases=releases, license="MIT", classifiers=["Topic :: A"])
    counted(f"one 1.0 {utc_now():%Y-%m-%d}")

    response = client.get("/stats/", headers={"Accept": "application/json"})

    assert response.content_type == "application/json"
    found = response.get_json()
    assert (found["projects"], found["releases"]) == (1, 2)
    assert found["releases_by_month"] == {"2021-11": 1, "2021-12": 0, "2022-01": 1}
    assert found["top_licenses"] == {"MIT": 1}
    assert found["top_classifiers"] == {"Topic :: A": 1}
    assert (found["downloads"]["total"], found["downloads"]["top_projects"]) == (1, {"one": 1})


@pytest.mark.parametrize("accept", ["text/html", "*/*", "text/html,application/xml;q=0.9,*/*;q=0.8"])
def test_browsers_get_the_page_and_caches_keep_both_apart(client: FlaskClient, accept: str) -> None:
    first = client.get("/stats/", headers={"Accept": "application/json"})

    page = client.get("/stats/", headers={"Accept": accept, "If-None-Match": first.headers["ETag"]})

    assert (page.status_code, page.content_type) == (200, "text/html; charset=utf-8")
    assert "Accept" in first.headers["Vary"]
    assert "Accept" in page.headers["Vary"]


def test_deleted_project_is_not_among_the_most_downloaded(client: FlaskClient) -> None:
    for name in ("kept", "deleted"):
        factories.package(name)
    counted(f"kept 1.0 {utc_now():%Y-%m-%d}", f"deleted 1.0 {utc_now():%Y-%m-%d}")
    Package.objects(pk="deleted").delete()

    found = client.get("/stats/", headers={"Accept": "application/json"}).get_json()
    page = read(client, "/stats/")

    assert (found["downloads"]["total"], found["downloads"]["top_projects"]) == (2, {"kept": 1})
    assert ("kept", "/project/kept/") in links(page)
    assert "deleted" not in page.text
