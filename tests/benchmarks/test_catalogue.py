"""`python -m benchmarks.catalogue`: a made-up catalogue."""

import bson
import pytest
from flask import Flask
from flask.testing import FlaskCliRunner

from benchmarks.catalogue import texts
from benchmarks.catalogue.__main__ import synthesize as command
from benchmarks.catalogue.catalogue import MOST_RELEASES, Catalogue
from tests import factories
from tests.reading import read
from webapp.changes import search_index
from webapp.documents import Download, Package, SearchEntry, User
from webapp.documents.base import as_declared
from webapp.documents.search_entry import SOURCE, entry_of
from webapp.rules.naming import normalize_name, sort_key


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return Catalogue(1000, seed=3)


def test_same_seed_gives_the_same_packages_and_another_one_others(catalogue: Catalogue) -> None:
    again, other = Catalogue(1000, seed=3), Catalogue(1000, seed=4)

    assert bson.encode(catalogue.package(7)[0]) == bson.encode(again.package(7)[0])
    assert catalogue.package(7)[0]["_id"] != other.package(7)[0]["_id"]


def test_no_two_packages_have_the_same_name() -> None:
    catalogue = Catalogue(20_000, seed=1)

    assert len({normalize_name(catalogue.name(number)) for number in range(20_000)}) == 20_000


def test_names_consist_of_all_words_wherever_the_catalogue_ends() -> None:
    for packages in (1000, 20_000):
        catalogue = Catalogue(packages, seed=1)
        used = {word for number in range(packages) for word in normalize_name(catalogue.name(number)).split("-")}

        assert used >= set(texts.NOUNS)


def test_a_few_packages_have_most_of_the_releases(catalogue: Catalogue) -> None:
    counts = sorted((catalogue.package(number)[0]["release_count"] for number in range(300)), reverse=True)

    assert counts[0] == MOST_RELEASES
    assert counts[150] <= 5
    assert sum(counts[1:30]) > sum(counts[30:])


def test_package_is_what_the_site_itself_would_have_written(catalogue: Catalogue) -> None:
    document, entry = catalogue.package(11)

    package = Package(**as_declared(Package, document))
    package.clean()
    assert [release.version for release in package.releases] == [each["version"] for each in document["releases"]]
    assert package.latest.version == document["latest"]["version"]
    assert package.newest_release.version == document["newest_release"]["version"]
    assert all(each["sort_key"] == sort_key(each["version"]) for each in document["releases"])
    assert entry == entry_of({key: document[key] for key in ("_id", *SOURCE) if key in document})


def synthesize(runner: FlaskCliRunner, *options: str) -> tuple[int, str]:
    result = runner.invoke(command, ["--packages", "30", "--processes", "1", *options])
    return result.exit_code, result.output


@pytest.mark.real_server  # mongomock takes minutes for the largest package
def test_command_fills_an_empty_site(app: Flask, runner: FlaskCliRunner) -> None:
    code, output = synthesize(runner)

    assert code == 0, output
    assert Package.objects.count() == SearchEntry.objects.count() == Download.objects.count() == 30
    assert User.objects.count() == 10
    name = Catalogue(30, seed=1).name(5)
    client = app.test_client()
    for address in ("/", f"/project/{normalize_name(name)}/", f"/search/?q={name}", "/user/user1/", "/stats/"):
        read(client, address)
    assert search_index.catch_up() == 0


def test_command_refuses_a_database_that_holds_packages(runner: FlaskCliRunner) -> None:
    factories.package("example")

    code, output = synthesize(runner)

    assert (code, Package.objects.count()) == (1, 1)
    assert output == "Error: this database holds packages; --add writes beside them\n"


@pytest.mark.real_server
def test_command_writes_beside_others_when_told(runner: FlaskCliRunner) -> None:
    factories.package("example")

    code, output = synthesize(runner, "--add")

    assert code == 0, output
    assert Package.objects.count() == 31
