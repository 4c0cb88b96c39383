"""A fact belongs to the release that states it, whatever is said in which order."""

import json
from itertools import permutations
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.changes.pypi_documents import document, file
from tests.publishing import uploads
from tests.reading import page_of
from webapp.changes.pypi_json import parse
from webapp.documents import Package, ReleaseDescription, ReleaseFacts

pytestmark = pytest.mark.usefixtures("app")


def import_document(version: str, releases: list[str], serial: int, **info: Any) -> None:
    files = {each: [file(f"example-{each}-py3-none-any.whl", size=serial)] for each in releases}
    found = document(releases=files, version=version, **info) | {"last_serial": serial}
    parse(json.dumps(found)).store()


def info_of(client: FlaskClient, version: str) -> dict[str, Any]:
    found = client.get(f"/pypi/example/{version}/json")
    assert found.json is not None
    return dict(found.json["info"])


def test_each_release_says_its_own_facts(client: FlaskClient) -> None:
    import_document("1.0", ["1.0"], 1, summary="first", description="*old* text", requires_dist=["olddep<2"])

    import_document("2.0", ["1.0", "2.0"], 2, summary="second", description="*new* text", requires_dist=["newdep"])

    old, new = info_of(client, "1.0"), info_of(client, "2.0")
    assert (old["summary"], old["requires_dist"], old["description"]) == ("first", ["olddep<2"], "*old* text")
    assert (new["summary"], new["requires_dist"], new["description"]) == ("second", ["newdep"], "*new* text")
    response = client.get("/project/example/1.0/")
    page = response.text
    assert "<em>old</em>" in page
    assert "olddep" in page
    assert "newdep" not in page
    told = {each["property"]: each["content"] for each in page_of(response).select("meta[property]")}
    assert (told["og:title"], told["og:description"]) == ("Example 1.0", "first")
    assert told["og:url"] == "http://localhost/project/example/1.0/"


def test_what_a_release_did_not_state_is_unknown(client: FlaskClient) -> None:
    import_document("2.0", ["1.0", "2.0"], 2, summary="second", license="MIT")

    old = info_of(client, "1.0")

    assert (old["summary"], old["license"]) == ("", "")
    assert "second" not in client.get("/project/example/1.0/").text


def test_older_document_adds_its_releases_and_changes_nothing_newer(client: FlaskClient) -> None:
    import_document("2.0", ["1.0", "2.0"], 5, summary="second")

    import_document("1.0", ["0.9", "1.0"], 3, summary="first")

    package = Package.objects.get()
    assert package.summary == "second"
    assert [each.version for each in package.releases] == ["2.0", "1.0", "0.9"]
    assert [each.size for each in package.releases] == [5, 5, 3]
    assert info_of(client, "1.0")["summary"] == "first"


def test_equal_descriptions_are_kept_once() -> None:
    import_document("1.0", ["1.0"], 1, description="the same")
    import_document("2.0", ["1.0", "2.0"], 2, description="the same")
    assert ReleaseDescription.objects.count() == 0

    import_document("3.0", ["1.0", "2.0", "3.0"], 3, description="another")

    assert [each.text for each in ReleaseDescription.objects] == ["the same"]
    assert ReleaseFacts.objects.count() == 3


def test_document_of_one_release_lists_its_files_without_releases(client: FlaskClient) -> None:
    import_document("2.0", ["1.0", "2.0"], 2, summary="second")
    info = document(releases={}, version="1.0", summary="first")["info"]
    files = [file("example-1.0-py3-none-any.whl", size=7)]

    parse(json.dumps({"info": info, "urls": files, "last_serial": 3})).store()

    package = Package.objects.get()
    assert package.summary == "second"
    assert {each.version: each.size for each in package.releases} == {"2.0": 2, "1.0": 7}
    assert info_of(client, "1.0")["summary"] == "first"


STATEMENTS = st.lists(
    st.tuples(
        st.sampled_from(["1.0", "1.1", "2.0rc1", "2.0"]),
        st.lists(st.sampled_from(["0.9", "1.0", "1.1", "2.0rc1", "2.0"]), max_size=3),
        st.sampled_from(["one", "two"]),
        st.sampled_from([None, "MIT", "BSD"]),
    ),
    min_size=2,
    max_size=3,
)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(statements=STATEMENTS)
def test_order_of_documents_does_not_matter(
    app: Flask, statements: list[tuple[str, list[str], str, str | None]]
) -> None:
    shown = []

    for order in permutations(enumerate(statements, 1)):
        for document_type in (Package, ReleaseFacts, ReleaseDescription):
            document_type._get_collection().delete_many({})
        for serial, (version, others, text, license_name) in order:
            releases = list(dict.fromkeys([version, *others]))
            import_document(
                version, releases, serial, summary=f"{text} {serial}", description=text, license=license_name
            )
        shown.append(everything_shown(app))

    assert all(each == shown[0] for each in shown)


def everything_shown(app: Flask) -> Any:
    package = Package.objects.get().to_mongo().to_dict()
    changing = ("updated_date", "last_serial", "unwritten")
    client = app.test_client()
    answers = [info_of(client, each["version"]) for each in package["releases"]]
    # Absent is as good as empty.
    return {key: value for key, value in package.items() if key not in changing and value}, answers


def test_release_lists_the_facts_in_which_its_files_disagree(client: FlaskClient) -> None:
    _, secret = uploads.publisher()
    one, two = (uploads.metadata("larder-probe", "1.0", f"Summary: {each}", "License: MIT") for each in ("One", "Two"))

    uploads.upload(client, secret, uploads.wheel(text=one), uploads.wheel_name())
    uploads.upload(client, secret, uploads.sdist(text=two), uploads.sdist_name())

    assert Package.objects.get().releases[0].differing == ["summary"]
