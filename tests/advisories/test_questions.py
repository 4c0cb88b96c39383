"""What the queries of OSV's clients ask for."""

from typing import Any

import pytest

from webapp.advisories.questions import MAX_QUERIES, BadQuery, Query, after_of, batch_of, page_token, query_of
from webapp.rules import osv

FLASK = {"name": "Flask", "ecosystem": "PyPI"}


def of_purl(purl: Any, **fields: Any) -> dict[str, Any]:
    return {"package": {"purl": purl}} | fields


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"package": FLASK, "version": "3.0"}, Query("flask", "3.0", "")),
        ({"package": FLASK}, Query("flask", None, "")),
        ({"package": FLASK, "version": ""}, Query("flask", None, "")),
        ({"package": FLASK, "version": None, "page_token": None}, Query("flask", None, "")),
        (of_purl("pkg:pypi/flask@3.0"), Query("flask", "3.0", "")),
        (of_purl("pkg:pypi/flask", version="3.0"), Query("flask", "3.0", "")),
        (of_purl("pkg:pypi/flask@3.0?file_name=flask-3.0.zip#sub"), Query("flask", "3.0", "")),
        (of_purl("pkg://PyPI/Flask%2DLogin@1%2E0"), Query("flask-login", "1.0", "")),
        (of_purl("pkg:npm/flask@3.0"), Query(None, "3.0", "")),
        ({"package": FLASK | {"ecosystem": "npm"}}, Query(None, None, "")),
        ({"package": FLASK | {"name": "-"}}, Query(None, None, "")),
        ({"commit": "6879efc2"}, Query(None, None, "")),
        ({"package": FLASK, "page_token": page_token("PYSEC-1")}, Query("flask", None, "PYSEC-1")),
    ],
)
def test_name_version_and_purl_are_read_as_osv_does(body: Any, expected: Query) -> None:
    assert query_of(body) == expected


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (of_purl("pkg:pypi/flask@3.0", version="3.0"), "the version is in the purl and in `version`"),
        (of_purl("pkg:pypi/flask") | {"package": {"purl": "pkg:pypi/flask", "name": "flask"}}, "a purl, or a name and"),
        ({"package": {"purl": "pkg:pypi/flask", "ecosystem": "PyPI"}}, "a purl, or a name and an ecosystem"),
        (of_purl("flask"), "the purl cannot be read"),
        (of_purl("pkg:npm/@scope/flask@3.0"), "the purl cannot be read"),
        ({"package": {"name": "flask"}}, "a package has a name and an ecosystem"),
        ({"package": {"ecosystem": "PyPI"}}, "a package has a name and an ecosystem"),
        ({"package": {"name": "flask", "ecosystem": "pypi"}}, "Invalid ecosystem: it is written PyPI"),
        ({"package": {"name": 3, "ecosystem": "PyPI"}}, "`name` is not text"),
        ({"package": FLASK, "version": 3}, "`version` is not text"),
        ({"package": [1]}, "`package` is not an object"),
        ({"package": FLASK, "version": "3.0", "commit": "6879efc2"}, "a version or a commit"),
        ({"package": FLASK, "page_token": "?"}, "Invalid page token"),
        ({"package": FLASK, "page_token": 3}, "Invalid page token"),
        ({}, "it names no package"),
        ([], "it is not a JSON object"),
    ],
)
def test_other_queries_are_refused_with_the_reason(body: Any, why: str) -> None:
    with pytest.raises(BadQuery, match=why):
        query_of(body)


def test_version_has_the_key_by_which_advisories_are_found() -> None:
    assert Query("flask", "3.0.0", "").key == osv.sort_key("3")
    assert Query("flask", None, "").key is None


def test_batch_has_at_most_as_many_queries_as_osv_allows() -> None:
    body = {"package": FLASK}

    assert batch_of({"queries": [body] * MAX_QUERIES}) == [Query("flask", None, "")] * MAX_QUERIES
    with pytest.raises(BadQuery, match="Too many queries: at most 1000"):
        batch_of({"queries": [body] * (MAX_QUERIES + 1)})


@pytest.mark.parametrize("body", [[], {}, {"queries": {}}, {"queries": None}])
def test_batch_without_a_list_is_refused(body: Any) -> None:
    with pytest.raises(BadQuery, match="`queries` is not a list"):
        batch_of(body)


def test_page_token_stands_for_the_last_id_and_for_nothing_longer() -> None:
    longest = "x" * osv.MAX_ID_LENGTH

    assert page_token("PYSEC-1") == "YWZ0ZXI6UFlTRUMtMQ=="  # "after:PYSEC-1"
    assert after_of(page_token(longest)) == longest
    for token in (page_token(longest + "x"), "YmVmb3JlOlBZU0VDLTE=", "/w=="):  # too long, "before:PYSEC-1", no UTF-8
        with pytest.raises(BadQuery, match="Invalid page token"):
            after_of(token)
