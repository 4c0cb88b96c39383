import os
from datetime import UTC, datetime
from importlib.metadata import distribution, distributions
from pathlib import Path

import pytest
from flask import Flask

from tests.changes.distributions import METADATA, installed
from webapp.changes import installed as installed_module
from webapp.changes.installed import installed_packages, package_from_distribution
from webapp.changes.pypi_json import store
from webapp.documents import Package
from webapp.rules.naming import InvalidName
from webapp.rules.people import people


def test_every_field_of_the_core_metadata_is_kept(tmp_path: Path) -> None:
    package = package_from_distribution(installed(tmp_path))

    assert package.name == "Example_Package"
    assert package.pk == "example-package"
    assert package.summary == "What it does"
    assert package.description.strip().startswith("# Example\n\nA description with an umlaut: ü.")
    assert package.description_content_type == "text/markdown"
    assert [each.name for each in people(package.author_name, package.author_email)] == ["Ada L.", "Grace"]
    assert package.license_expression == "MIT"
    assert package.keywords == ["web", "framework"]
    assert package.classifiers == ["Programming Language :: Python :: 3", "Topic :: Internet"]
    assert package.requires_python == ">=3.9"
    assert package.requires_dist == ["click>=8", 'pytest; extra == "test"']
    assert package.provides_extra == ["test"]
    assert package.project_urls == {
        "Source": "https://example.org/source?a=1,2",
        "Documentation": "https://example.org/docs",
    }


def test_the_one_release_is_the_installed_one(tmp_path: Path) -> None:
    found = installed(tmp_path)
    os.utime(tmp_path / "example_package-1.2.3.dist-info" / "METADATA", (1_700_000_000, 1_700_000_000))

    [release] = package_from_distribution(found).releases

    assert release.version == "1.2.3"
    assert release.created_date == datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)
    assert release.requires_python == ">=3.9"
    assert "installed on the machine" in release.comment
    assert release.files == []


def test_old_metadata_is_read_too(tmp_path: Path) -> None:
    old = """\
Metadata-Version: 1.1
Name: old
Version: 0.1
Summary: UNKNOWN
Home-page: https://example.org
Author: Ada
Author-email: ada@example.org
License: BSD
Description: First line
        second line
Platform: UNKNOWN
"""

    package = package_from_distribution(installed(tmp_path, old, "old-0.1"))

    assert (package.author_name, package.author_email) == ("Ada", "ada@example.org")
    assert (package.license, package.home_page, package.summary) == ("BSD", "https://example.org", "")
    assert package.description.startswith("First line\n")
    assert package.license_expression is None


def test_maintainer_is_not_taken_for_an_author(tmp_path: Path) -> None:
    text = METADATA.replace("Author-email:", "Maintainer-email:")

    package = package_from_distribution(installed(tmp_path, text))

    assert not package.author_name
    assert not package.author_email
    assert [each.address for each in people("", package.maintainer_email)] == ["ada@example.org", "grace@example.org"]


@pytest.mark.parametrize("line", ["Name: ../evil", "Name: a b", "Name: ", "X-Name: none"])
def test_distribution_without_a_usable_name_is_none(tmp_path: Path, line: str) -> None:
    with pytest.raises(InvalidName):
        package_from_distribution(installed(tmp_path, METADATA.replace("Name: Example_Package", line)))


@pytest.mark.parametrize(
    "broken",
    [
        b"",
        b"Name: broken\n",
        METADATA.replace("Name: Example_Package", "Name: ../evil").encode(),
        METADATA.replace("Version: 1.2.3\n", "").encode(),
        METADATA.encode("latin-1"),
        b"\x00\xff",
    ],
    ids=["empty", "no version", "bad name", "version missing", "latin-1", "binary"],
)
def test_broken_distribution_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, broken: bytes) -> None:
    installed(tmp_path, broken, "broken-1.0")
    installed(tmp_path)
    monkeypatch.setattr(installed_module, "distributions", lambda: distributions(path=[str(tmp_path)]))

    packages = list(installed_packages())

    assert [package.name for package in packages] == ["Example_Package"]


def test_odd_link_of_a_distribution_does_not_keep_it_out(app: Flask, tmp_path: Path) -> None:
    odd = METADATA.replace("Project-URL: Source,", "Project-URL: $Source,").replace("Documentation, ", "no comma")

    store(package_from_distribution(installed(tmp_path, odd)))

    assert Package.objects.get().name == "Example_Package"


def test_what_is_installed_here_can_all_be_kept() -> None:
    packages = {package.pk: package for package in installed_packages()}

    for package in packages.values():
        package.validate()
    assert packages["flask"].latest.version == distribution("flask").version
    assert "Flask" in packages["flask"].description
