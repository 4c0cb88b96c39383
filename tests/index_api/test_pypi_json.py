import json
from typing import Any

import bson
import pytest
from flask import Flask
from flask.testing import FlaskClient
from packaging.utils import NormalizedName

from tests import factories
from tests.changes.pypi_documents import document, file
from tests.publishing import uploads
from webapp.changes.changing import Act, changes
from webapp.changes.pypi_json import parse, store
from webapp.documents import Maintainer, Package

SITE = "http://localhost"


def answer(client: FlaskClient, path: str) -> dict[str, Any]:
    response = client.get(path)
    assert response.status_code == 200
    assert response.content_type == "application/json"
    return dict(response.get_json())


def test_every_field_is_answered_as_pypi_answers_it(client: FlaskClient) -> None:
    info = {
        "author": "Ada",
        "author_email": "ada@example.org",
        "bugtrack_url": "https://example.org/bugs",
        "classifiers": ["Topic :: A"],
        "description": "# Title",
        "description_content_type": "text/markdown",
        "docs_url": "https://docs.example.org",
        "download_url": "https://example.org/download",
        "downloads": {"last_day": -1, "last_month": -1, "last_week": -1},
        "dynamic": ["Version"],
        "home_page": "https://example.org",
        "keywords": "web,http",
        "license": "MIT License",
        "license_expression": "MIT",
        "license_files": ["LICENSE"],
        "maintainer": "Grace",
        "maintainer_email": "grace@example.org",
        "name": "Ex.ample",
        "package_url": f"{SITE}/project/ex-ample/",
        "platform": "any",
        "project_url": f"{SITE}/project/ex-ample/",
        "project_urls": {"Source": "https://example.org/source"},
        "provides_extra": ["test"],
        "release_url": f"{SITE}/project/ex-ample/1.0/",
        "requires_dist": ["click"],
        "requires_python": ">=3.9",
        "summary": "What it does",
        "version": "1.0",
        "yanked": False,
        "yanked_reason": None,
    }
    store(parse(json.dumps({"info": info, "releases": {"1.0": [file()], "0.9": []}})).package)

    found = answer(client, "/pypi/ex-ample/json")

    assert found.pop("last_serial") > 0
    described = {
        "comment_text": "",
        "core-metadata": False,
        "digests": {"blake2b_256": "c" * 64, "md5": "b" * 32, "sha256": "a" * 64},
        "downloads": -1,
        "filename": "example-1.0-py3-none-any.whl",
        "has_sig": False,
        "md5_digest": "b" * 32,
        "packagetype": "bdist_wheel",
        "python_version": "py3",
        "requires_python": ">=3.9",
        "size": 1234,
        "upload_time": "2024-03-01T12:00:00",
        "upload_time_iso_8601": "2024-03-01T12:00:00.123000Z",
        "url": "https://files.example.org/example-1.0-py3-none-any.whl",
        "yanked": False,
        "yanked_reason": None,
    }
    assert found == {
        "info": info,
        "ownership": {"organization": None, "roles": []},
        "urls": [described],
        "vulnerabilities": [],
        "releases": {"0.9": [], "1.0": [described]},
    }


def test_metadata_are_offered_beside_wheels_only(client: FlaskClient) -> None:
    wheel = factories.release_file(metadata_sha256="d" * 64)
    sdist = factories.release_file(filename="example-1.0.tar.gz", packagetype="sdist", metadata_sha256="e" * 64)
    factories.package(releases=[factories.release(files=[wheel, sdist])])

    found = answer(client, "/pypi/example/json")

    assert [file["core-metadata"] for file in found["urls"]] == [{"sha256": "d" * 64}, False]


def test_what_is_not_known_is_answered_as_pypi_answers_it(client: FlaskClient) -> None:
    store(parse(json.dumps({"info": {"name": "bare"}, "releases": {}})).package)

    found = answer(client, "/pypi/bare/json")

    info = found["info"]
    empty = ("author", "author_email", "description", "download_url", "home_page", "keywords", "license", "maintainer")
    assert {key: info[key] for key in empty} == dict.fromkeys(empty, "")
    unknown = ["bugtrack_url", "docs_url", "dynamic", "license_expression", "license_files", "project_urls"]
    unknown += ["provides_extra", "requires_dist", "requires_python", "yanked_reason", "description_content_type"]
    assert {key: info[key] for key in unknown} == dict.fromkeys(unknown)
    assert (info["classifiers"], info["version"], info["yanked"]) == ([], "", False)
    assert (found["urls"], found["releases"]) == ([], {})


def test_one_release_is_answered_without_the_others(client: FlaskClient) -> None:
    factories.package(releases=["1.0", factories.release("2.0", requires_python=">=3.12"), "3.0"])

    found = answer(client, "/pypi/example/2.0/json")

    assert "releases" not in found
    assert found["info"]["version"] == "2.0"
    assert found["info"]["requires_python"] == ">=3.12"
    assert found["info"]["release_url"] == f"{SITE}/project/example/2.0/"
    assert [each["filename"] for each in found["urls"]] == ["example-2.0-py3-none-any.whl"]


def test_latest_release_is_answered_first(client: FlaskClient) -> None:
    factories.package(releases=["1.9", "1.10", "2.0rc1", factories.release("1.11", yanked=True)])

    found = answer(client, "/pypi/example/json")

    assert found["info"]["version"] == "1.10"
    assert list(found["releases"]) == sorted(["1.9", "1.10", "2.0rc1", "1.11"])


def test_yanked_release_and_yanked_file_say_so(client: FlaskClient) -> None:
    one = factories.release_file(yanked=True, yanked_reason="broken wheel")
    other = factories.release_file(filename="other.whl")
    factories.package(
        releases=[
            factories.release("1.0", files=[one, other]),
            factories.release("2.0", yanked=True, yanked_reason="wrong"),
        ]
    )

    first = answer(client, "/pypi/example/1.0/json")
    second = answer(client, "/pypi/example/2.0/json")

    assert [(each["yanked"], each["yanked_reason"]) for each in first["urls"]] == [
        (True, "broken wheel"),
        (False, None),
    ]
    assert (first["info"]["yanked"], first["info"]["yanked_reason"]) == (False, None)
    assert [(each["yanked"], each["yanked_reason"]) for each in second["urls"]] == [(True, "wrong")]
    assert (second["info"]["yanked"], second["info"]["yanked_reason"]) == (True, "wrong")


def test_maintainers_are_the_owners(client: FlaskClient) -> None:
    factories.package(
        maintainers=[
            Maintainer(user_id=bson.ObjectId(), name="Ada", role="owner"),
            Maintainer(user_id=bson.ObjectId(), name="Grace"),
        ]
    )

    found = answer(client, "/pypi/example/json")

    assert found["ownership"]["roles"] == [{"role": "Owner", "user": "Ada"}, {"role": "Maintainer", "user": "Grace"}]


def test_serial_grows_with_each_change(client: FlaskClient) -> None:
    factories.package()
    before = answer(client, "/pypi/example/json")["last_serial"]

    Package.objects.get().store()

    assert answer(client, "/pypi/example/json")["last_serial"] >= before


def test_project_without_a_journal_has_a_serial_that_its_first_change_exceeds(client: FlaskClient) -> None:
    Package.objects.raw().insert_one({"_id": "migrated", "name": "Migrated"})

    as_json = {"Accept": "application/vnd.pypi.simple.v1+json"}
    [listed] = client.get("/simple/", headers=as_json).json["projects"]  # type: ignore[index]
    pages = [client.get(path) for path in ("/simple/", "/simple/migrated/", "/pypi/migrated/json")]
    serials = {int(page.headers["X-PyPI-Last-Serial"]) for page in pages} | {listed["_last-serial"]}
    uploads.upload(client, uploads.publisher()[1], uploads.wheel(), uploads.wheel_name())

    assert len(serials) == 1
    assert 0 < serials.pop() < answer(client, "/pypi/larder-probe/json")["last_serial"]


@pytest.mark.parametrize(
    ("asked", "address"),
    [
        ("/pypi/Flask_Login/json", "/pypi/flask-login/json"),
        ("/pypi/flask.login/1.0/json", "/pypi/flask-login/1.0/json"),
        ("/pypi/flask-login/1.0.0/json", "/pypi/flask-login/1.0/json"),
        ("/pypi/FLASK-LOGIN/v1/json", "/pypi/flask-login/1.0/json"),
    ],
)
def test_other_spellings_are_led_to_the_one_address(client: FlaskClient, asked: str, address: str) -> None:
    factories.package("Flask-Login")

    response = client.get(asked)

    assert response.status_code == 301
    assert response.headers["Location"] == address


@pytest.mark.parametrize(
    "path",
    [
        "/pypi/nothing/json",
        "/pypi/nothing/1.0/json",
        "/pypi/example/9.9/json",
        "/pypi/example/$latest.version/json",
        "/pypi/%00/json",
        "/pypi/-/json",
        f"/pypi/{'a' * 10_000}/json",
        f"/pypi/example/{'1' * 10_000}/json",
        "/pypi/na%C3%AFve/json",
        "/pypi/%FF/json",
    ],
)
def test_what_is_not_there_is_404_with_pypis_words(client: FlaskClient, path: str) -> None:
    factories.package()

    response = client.get(path, headers={"Accept": "text/html"})

    assert response.status_code == 404
    assert response.get_json() == {"message": "Not Found"}
    assert response.headers["Access-Control-Allow-Origin"] == "*"


def test_answer_may_be_kept_and_read_by_pages_of_other_sites(client: FlaskClient) -> None:
    factories.package()

    response = client.get("/pypi/example/json")

    assert response.cache_control.max_age == 900
    assert response.cache_control.public
    assert response.headers["Access-Control-Allow-Origin"] == "*"
    assert response.get_etag()[0]


def test_answer_that_did_not_change_is_not_sent_again(client: FlaskClient) -> None:
    factories.package()
    etag = client.get("/pypi/example/json").headers["ETag"]

    response = client.get("/pypi/example/json", headers={"If-None-Match": etag})

    assert response.status_code == 304
    assert response.data == b""
    assert response.headers["ETag"] == etag
    assert response.cache_control.max_age == 900


def test_head_answers_as_get_without_a_body(client: FlaskClient) -> None:
    factories.package()
    got = client.get("/pypi/example/json")

    response = client.head("/pypi/example/json")

    assert response.status_code == 200
    assert response.data == b""
    assert response.content_type == "application/json"
    assert response.content_length == len(got.data)
    assert response.headers["ETag"] == got.headers["ETag"]


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
def test_other_methods_are_405_with_those_allowed(client: FlaskClient, method: str) -> None:
    factories.package()

    response = client.open("/pypi/example/json", method=method)

    assert response.status_code == 405
    assert set(response.headers["Allow"].split(", ")) == {"GET", "HEAD", "OPTIONS"}


@pytest.mark.parametrize(
    "change",
    [
        {"$set": {"releases": "none"}},
        {"$set": {"releases": [5, {}, {"version": 5}, {"version": "1.0", "files": [5, {}, {"filename": 5}]}]}},
        {"$unset": {"releases": "", "latest": "", "name": "", "updated_date": ""}},
        {"$set": {"latest": "1.0", "updated_date": "yesterday", "maintainers": [5, {"name": 5}]}},
        {"$set": {"releases.0.files.0.size": 1e300, "releases.0.files.0.uploaded_at": "now"}},
        {"$set": {"summary": 5, "classifiers": {}, "project_urls": [], "keywords": 5, "note": "extra"}},
    ],
    ids=str,
)
def test_document_that_was_edited_by_hand_is_answered_as_far_as_it_goes(
    client: FlaskClient, change: dict[str, Any]
) -> None:
    factories.package()
    Package._get_collection().update_one({}, change)

    found = answer(client, "/pypi/example/json")

    assert found["info"]["name"] in ("Example", "example")
    assert isinstance(found["urls"], list)


def test_addresses_stand_on_the_sites_own_url_where_that_is_set(
    app: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    factories.package()
    monkeypatch.setitem(app.config, "SITE_URL", "https://packages.example.org/")

    found = answer(client, "/pypi/example/json")

    assert found["info"]["package_url"] == "https://packages.example.org/project/example/"


def test_document_comes_back_as_it_was_given(client: FlaskClient) -> None:
    given = document("round", releases={"1.0": [file()], "2.0a1": [file("b.tar.gz", packagetype="sdist")]})
    store(parse(json.dumps(given)).package)

    found = answer(client, "/pypi/round/json")

    for version, files in given["releases"].items():
        for before, after in zip(files, found["releases"][version], strict=True):
            # MongoDB keeps milliseconds.
            before["upload_time_iso_8601"] = "2024-03-01T12:00:00.123000Z"
            assert {key: after[key] for key in before} == before


@pytest.mark.parametrize("releases", [1, 100])
def test_release_of_a_project_of_any_size_states_its_own_facts(client: FlaskClient, releases: int) -> None:
    _, secret = uploads.publisher()
    wheel = uploads.wheel(text=uploads.metadata("larder-probe", "1.0", "Summary: The first"))
    uploads.upload(client, secret, wheel, uploads.wheel_name())
    for change in changes(NormalizedName("larder-probe"), None):
        with change:
            # A large document comes from the driver in another type than a small one.
            more = [factories.release(f"2.{number}") for number in range(releases)]
            change.package.releases = [*change.package.all_releases(), *more]
            change.act = Act("new release")

    answer = client.get("/pypi/larder-probe/1.0/json")

    assert answer.status_code == 200
    assert (answer.json or {})["info"]["summary"] == "The first"


def test_answer_is_made_of_releases_as_they_are_now(client: FlaskClient) -> None:
    factories.package("example", releases=["1.0", "2.0", "3.0"])

    def digests() -> dict[str, list[str]]:
        found = answer(client, "/pypi/example/json")
        digests = {
            version: [each["digests"]["sha256"] for each in files] for version, files in found["releases"].items()
        }
        return digests | {"latest": [each["digests"]["sha256"] for each in found["urls"]]}

    assert digests() == {"1.0": ["a" * 64], "2.0": ["a" * 64], "3.0": ["a" * 64], "latest": ["a" * 64]}
    edit = {"releases.0.files.0.sha256": "f" * 64, "releases.1.files.0.sha256": "e" * 64}
    Package._get_collection().update_one({}, {"$set": edit})
    assert digests() == {"1.0": ["a" * 64], "2.0": ["e" * 64], "3.0": ["f" * 64], "latest": ["f" * 64]}
    Package._get_collection().update_one({}, {"$set": {"status.marker": "quarantined"}})
    assert digests() == {"1.0": [], "2.0": [], "3.0": [], "latest": []}


def test_addresses_are_those_of_the_host_that_is_asked(client: FlaskClient) -> None:
    file = factories.release_file(url="/packages/a/b/c/example-1.0-py3-none-any.whl")
    factories.package("example", releases=[factories.release("1.0", files=[file])])

    for place in ("http://one.example", "http://two.example", "http://two.example/index") * 2:
        found = client.get("/pypi/example/json", base_url=place).get_json()

        assert found["urls"][0]["url"] == f"{place}/packages/a/b/c/example-1.0-py3-none-any.whl"
        assert found["releases"]["1.0"] == found["urls"]
