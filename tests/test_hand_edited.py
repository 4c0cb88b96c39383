"""Documents that somebody edited by hand break no page: what is odd is shown as absent, and the rest stays.

For each field there is one document with each odd value, beside one that is as it should be; so a list shows all of
them at once, and the pages of a single document are opened one by one.
"""

from collections.abc import Iterator
from copy import deepcopy
from datetime import UTC, datetime
from typing import Any

import bson
import pytest
from bson.datetime_ms import DatetimeMS
from flask import Flask
from flask.testing import FlaskClient
from pymongo.errors import WriteError

from tests import factories
from tests.conftest import empty
from tests.factories import A_DAY
from tests.reading import one, page_of, words
from webapp.changes import site_stats
from webapp.documents import DOCUMENTS, License, Maintainer, Package, Page, ProgrammingLanguage, SiteStats, User
from webapp.documents.base import utc_now

Document = dict[str, Any]

MISSING = object()
CANNOT_INDEX_PARALLEL_ARRAYS = 171
ODD: dict[str, Any] = {
    "missing": MISSING,
    "null": None,
    "number": 5,
    "huge": 2**63 - 1,
    "nan": float("nan"),
    "true": True,
    "empty": "",
    "text": "odd <b>text</b>",
    "long": "x" * 10_000,
    "date": datetime(1, 1, 1, tzinfo=UTC),
    "list": ["x", 5, None, {}, True, A_DAY],
    "empty-list": [],
    "mapping": {"x": {"y": [1]}, "$z.w": None},
    "garbage": [[{"a": [None, {"version": [[]]}]}], {"version": {"version": 5}}, {"filename": "f", "url": 5}],
}
# What BSON knows and mongomock does not.
ODD_BSON: dict[str, Any] = {
    "late": DatetimeMS(2**62),
    "early": DatetimeMS(-(2**62)),
    "binary": b"\x00\xff",
    "decimal": bson.Decimal128("1E+6000"),
    "regex": bson.Regex("("),
    "code": bson.Code("x", {"y": 1}),
    "timestamp": bson.Timestamp(1, 1),
    "smallest": bson.MinKey(),
    "id": bson.ObjectId("f" * 24),
}

FEW = ("missing", "null", "huge", "list", "mapping")

LISTS = ["/", "/projects/", "/projects/?order=newest", "/projects/?order=updated", "/projects/?order=releases"]
LISTS += [
    "/search/",
    "/search/?q=does",
    "/license/MIT/",
    "/language/c/",
    "/classifier/Topic :: X/",
    "/user/ada/",
    "/stats/",
]
FOR_PROGRAMS = [
    "/rss/updates.xml",
    "/rss/packages.xml",
    "/sitemap.xml",
    "/sitemap/pages.xml",
    "/sitemap/0.xml",
    "/simple/",
]
# What lists, feeds and sitemaps read of a package; the rest is read by its own pages alone.
READ_BY_LISTS: tuple[str, ...] = (
    "name",
    "summary",
    "created_date",
    "updated_date",
    "latest",
    "newest_release",
    "release_count",
)
READ_BY_LISTS += ("license", "classifiers", "maintainers", "releases", "unheard_of")
OTHER_PAGES_OF_A_PROJECT = [
    "/project/{}/1.0/",
    "/rss/project/{}/releases.xml",
    "/simple/{}/",
    "/pypi/{}/json",
    "/pypi/{}/1.0/json",
]

RELEASE = ["version", "sort_key", "created_date", "comment", "url", "size", "is_prerelease", "yanked", "yanked_reason"]
RELEASE += ["requires_python", "file_count", "files", "files.0", "legacy", "unheard_of"]
FILE = ["filename", "url", "size", "packagetype", "python_version", "sha256", "md5", "blake2b_256", "uploaded_at"]
FILE += ["requires_python", "yanked", "yanked_reason"]
FIELDS = [*Package._fields_ordered, "unheard_of", "maintainers.0", "releases.0", "project_urls.Source"]
FIELDS += ["classifiers.0", "keywords.0", "requires_dist.0", "provides_extra.0"]
FIELDS += [f"latest.{name}" for name in ("version", "created_date", "size")]
FIELDS += [f"newest_release.{name}" for name in ("version", "created_date")]
FIELDS += [f"maintainers.0.{name}" for name in ("user_id", "name", "role")]
FIELDS += [f"releases.0.{name}" for name in RELEASE]
FIELDS += [f"releases.0.files.0.{name}" for name in FILE]
FIELDS.remove("normalized_name")  # the key has a test of its own


def is_mongomock() -> bool:
    return type(Package._get_collection()).__module__.startswith("mongomock")


@pytest.fixture
def odd(app: Flask) -> dict[str, Any]:
    """The odd values that this server can keep; fewer of them on mongomock, which is slow at it."""
    return {name: ODD[name] for name in FEW} if is_mongomock() else ODD | ODD_BSON


def pages_of(key: str) -> list[str]:
    """The other pages of a project that this server can give: mongomock cannot project lists of mixed values."""
    return [address.format(key) for address in OTHER_PAGES_OF_A_PROJECT if not (is_mongomock() and "simple" in address)]


@pytest.fixture(scope="module")
def around(site: Flask) -> tuple[Document, dict[Any, list[Document]]]:
    """A package in which every field has a value, as MongoDB keeps it; and all that its pages lead to.

    Both are made once, and stored for each test: making them takes longer than most tests.
    """
    with site.app_context():
        empty()
        ada = factories.user("Ada Lovelace", username="ada")
        shared = {"license": "MIT", "classifiers": ["Topic :: X", "Programming Language :: C"]}
        factories.package("Steady", releases=["1.0"], maintainers=[Maintainer(user_id=ada.id, name="Ada")], **shared)
        package = factories.package(
            "Example",
            releases=["1.0", "0.9"],
            description="Words",
            home_page="https://example.org",
            project_urls={"Source": "https://example.org/src"},
            author_name="Ada",
            author_email="ada@example.org",
            keywords=["jam"],
            requires_python=">=3",
            requires_dist=["click"],
            provides_extra=["test"],
            maintainers=[Maintainer(user_id=ada.id, name="Ada")],
            **shared,
        )
        son: Document = package.to_mongo().to_dict()
        package.delete()
        site_stats.refresh()
        return son, {each: list(each._get_collection().find()) for each in DOCUMENTS}


@pytest.fixture
def example(app: Flask, around: tuple[Document, dict[Any, list[Document]]]) -> Document:
    """The package in which every field has a value; all around it is stored."""
    package, others = around
    for document_type, documents in others.items():
        if documents and document_type is not SiteStats:
            document_type._get_collection().insert_many(deepcopy(documents))
    return deepcopy(package)


@pytest.fixture
def kept_stats(
    app: Flask, around: tuple[Document, dict[Any, list[Document]]], example: Document, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Document]:
    """The statistics as they were computed once; no page computes them again, as if another one were doing so."""
    [stats] = around[1][SiteStats]
    stats = stats | {"computed_at": utc_now()}
    SiteStats._get_collection().insert_one(dict(stats))
    monkeypatch.setitem(app.config, "STATS_MAX_AGE_S", 3600)
    with site_stats._computing:
        yield stats


def edited(document: Document, path: str, value: Any) -> Document:
    """A copy of a document with this value at this place."""
    document = deepcopy(document)
    *parents, last = (int(part) if part.isdecimal() else part for part in path.split("."))
    place: Any = document
    for parent in parents:
        place = place[parent]
    if value is not MISSING:
        place[last] = value
    elif isinstance(last, str):
        place.pop(last, None)
    return document


def keep(document_type: Any, documents: list[Document]) -> list[Any]:
    """Store these documents past all checks, and return the keys of those that the server takes."""
    kept = []
    for document in documents:
        try:
            document_type._get_collection().insert_one(document)
        except WriteError as error:
            if error.code != CANNOT_INDEX_PARALLEL_ARRAYS:  # which no editor can bring about either
                raise
        else:
            kept.append(document["_id"])
    return kept


def check_lists(client: FlaskClient) -> None:
    for address in LISTS:
        response = client.get(address)
        text = response.get_data(as_text=True)
        assert response.status_code == 200, f"{address}: {text[:500]}"
        assert text.count("<h1") == 1, address
        assert "Simple index" in text.partition("<footer")[2], address
        assert 'class="package-row' in text or "<tr" in text.partition('class="bars')[2], address
    assert "Steady" in client.get("/projects/?starts=steady").get_data(as_text=True)
    for address in FOR_PROGRAMS:
        assert client.get(address).status_code == 200, address


@pytest.mark.parametrize("field", FIELDS)
def test_odd_field_of_a_package_breaks_no_page(
    client: FlaskClient, kept_stats: Document, example: Document, odd: dict[str, Any], field: str
) -> None:
    keys = keep(Package, [edited(example, field, value) | {"_id": f"odd-{name}"} for name, value in odd.items()])

    if field.startswith(READ_BY_LISTS):
        check_lists(client)
    for key in keys:
        text = client.get(f"/project/{key}/").get_data(as_text=True)
        assert text.count('role="tabpanel"') == 3, f"{key}: {text[:500]}"
        assert '<footer class="site-footer">' in text
        assert "<h1>Example" in text or field == "name"
        if not field.startswith(("releases", "latest")):
            assert text.count('class="history-version"') == 2
            assert text.count('class="file-name"') == 1
        if field.startswith(("releases", "requires", "project_urls")):
            for address in pages_of(key):
                assert client.get(address).status_code < 500, address


def test_package_in_which_everything_is_odd_has_a_page(
    client: FlaskClient, kept_stats: Document, example: Document, odd: dict[str, Any]
) -> None:
    whole = [
        dict.fromkeys(example, value) | {"_id": f"odd-{name}"} for name, value in odd.items() if value is not MISSING
    ]
    keys = keep(Package, [*whole, {"_id": "odd-missing"}])

    check_lists(client)
    for key in keys:
        page = page_of(client.get(f"/project/{key}/"))
        assert one(page, "h1").get_text(strip=True)
        for address in pages_of(key):
            assert client.get(address).status_code < 500, address


@pytest.mark.parametrize(
    "field",
    [
        "release_count",
        "releases.0.created_date",
        # mongomock cannot compare dates with numbers, as $max does.
        pytest.param("updated_date", marks=pytest.mark.real_server),
        "releases",
        "license_id",
        "classifiers",
        "maintainers",
        "maintainers.0.user_id",
        "unheard_of",
    ],
)
def test_statistics_are_computed_from_odd_packages(
    client: FlaskClient, example: Document, odd: dict[str, Any], field: str
) -> None:
    keep(Package, [edited(example, field, value) | {"_id": f"odd-{name}"} for name, value in odd.items()])

    page = page_of(client.get("/stats/"))

    assert "Ada Lovelace" in words(one(page, "[aria-labelledby=maintainers]"))


# MongoDB takes no list, regular expression or undefined value as a key, and each key once.
KEYS = {
    name: value
    for name, value in (ODD | ODD_BSON).items()
    if name in ("number", "nan", "true", "empty", "long", "date")
}
KEYS |= {
    "binary": b"x",
    "id": bson.ObjectId("f" * 24),
    "mapping": {"x": 1},
    "null": None,
    "spaces": "a b/../c",
    "dots": "..",
}


@pytest.mark.parametrize("key", KEYS.values(), ids=KEYS)
@pytest.mark.parametrize("document_type", [Package, User, Page, License, ProgrammingLanguage])
def test_odd_key_breaks_no_list(client: FlaskClient, kept_stats: Document, document_type: Any, key: Any) -> None:
    some = document_type._get_collection().find_one() or {"title": "A page", "content_html": "words"}
    unique = {"username": "odd", "username_folded": "odd"}
    keep(document_type, [some | unique | {"_id": key}])

    check_lists(client)
    assert client.get("/user/odd/").status_code in (200, 404)
    assert client.get("/sitemap/pages.xml").status_code == 200


@pytest.mark.parametrize("field", [name for name in User._fields_ordered if name != "id"] + ["unheard_of"])
def test_odd_field_of_a_user_breaks_no_page(client: FlaskClient, odd: dict[str, Any], field: str) -> None:
    ada = factories.user("Ada Lovelace", email="ada@example.org")
    son = ada.to_mongo().to_dict()
    ada.delete()
    # Two users cannot have one username or e-mail address.
    ids = {name: bson.ObjectId(f"{number:024x}") for number, name in enumerate(odd, 2**80)}
    users = [edited(son, field, value) | {"_id": ids[name]} for name, value in odd.items()]
    keep(User, [user if field == "email_folded" else user | {"email_folded": None} for user in users])

    for name, key in ids.items():
        page = page_of(client.get(f"/user/{key}/", follow_redirects=True))
        assert one(page, "h1").get_text(strip=True), name
        assert "0 projects" in words(one(page, ".profile-head"))


@pytest.mark.parametrize("field", [name for name in Page._fields_ordered if name != "path"] + ["unheard_of"])
def test_odd_field_of_a_content_page_breaks_no_page(client: FlaskClient, odd: dict[str, Any], field: str) -> None:
    some = {"title": "A page", "content": "words", "content_html": "<p>words</p>", "created_date": A_DAY}
    keep(Page, [edited(some, field, value) | {"_id": f"odd/{name}"} for name, value in odd.items()])

    for name in odd:
        page = page_of(client.get(f"/odd/{name}"))
        assert one(page, "h1").get_text(strip=True), name
        assert one(page, "title").get_text(strip=True) != "· Larder"
        assert field == "content_html" or "words" in words(one(page, "article"))
    assert client.get("/sitemap/pages.xml").status_code == 200


@pytest.mark.parametrize("field", ["description", "created_date", "unheard_of"])
@pytest.mark.parametrize(
    ("document_type", "address"), [(License, "/license/odd/"), (ProgrammingLanguage, "/language/odd/")]
)
def test_odd_field_of_a_licence_or_language_breaks_no_page(
    client: FlaskClient, odd: dict[str, Any], document_type: Any, address: str, field: str
) -> None:
    for name, value in odd.items():
        document_type._get_collection().delete_many({})
        keep(document_type, [edited({"description": "A label", "created_date": A_DAY, "_id": "odd"}, field, value)])

        page = page_of(client.get(address))

        assert one(page, "h1").get_text(strip=True), name
        assert client.get("/sitemap/pages.xml").status_code == 200


ROWS = ["releases_by_month", "top_licenses", "top_languages", "top_classifiers", "top_maintainers", "sitemap_buckets"]
STATS = [*SiteStats._fields_ordered[1:], "unheard_of", *(f"{row}.0" for row in ROWS)]
STATS += [f"{row}.0.{name}" for row in ROWS[:5] for name in ("id", "name", "count")]
STATS += ["sitemap_buckets.0.start", "sitemap_buckets.0.updated_date"]


@pytest.mark.parametrize(
    "field",
    STATS,
)
def test_odd_field_of_the_statistics_breaks_no_page(
    client: FlaskClient, kept_stats: Document, odd: dict[str, Any], field: str
) -> None:
    addresses = ["/stats/"]
    addresses += ["/"] if field in ("projects", "releases", "users", "took_ms", "computed_at") else []
    addresses += ["/sitemap.xml", "/sitemap/0.xml"] if field.startswith("sitemap_buckets") else []
    for name, value in odd.items():
        SiteStats._get_collection().replace_one({"_id": "site"}, edited(kept_stats, field, value))

        for address in addresses:
            response = client.get(address)

            assert response.status_code < 500, f"{address} {name}"
            if not address.startswith("/sitemap"):
                text = response.get_data(as_text=True)
                # The home page shows no counts as long as those of its projects are unknown.
                assert ('<dl class="counts">' in text) or (address == "/" and field == "projects")
                assert '<footer class="site-footer">' in text


def test_statistics_with_many_odd_fields_at_a_time_keep_the_rest(client: FlaskClient, kept_stats: Document) -> None:
    document = kept_stats
    for field, value in (
        ("projects", "odd"),
        ("releases_by_month", [5]),
        ("top_licenses.0.count", -5),
        ("took_ms", {}),
    ):
        document = edited(document, field, value)
    SiteStats._get_collection().replace_one({"_id": "site"}, document)

    page = page_of(client.get("/stats/"))

    assert words(one(page, "[aria-labelledby=languages] tbody")) == "C 1"
    assert words(one(page, "[aria-labelledby=maintainers] tbody")) == "Ada Lovelace 1"
