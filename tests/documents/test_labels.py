import pytest
from flask import Flask

from tests import factories
from webapp.documents import License, ProgrammingLanguage
from webapp.documents.base import utc_now


@pytest.mark.parametrize("document_type", [License, ProgrammingLanguage])
def test_label_is_kept_once(app: Flask, document_type: type[License] | type[ProgrammingLanguage]) -> None:
    document_type.objects.add_missing([("MIT", "the first description"), ("ISC", "ISC")])

    document_type.objects.add_missing([("MIT", "another"), ("Apache-2.0", "Apache"), ("Apache-2.0", "twice")])

    labels = [(label["id"], label["description"]) for label in document_type.objects.in_order().plain()]
    assert labels == [("Apache-2.0", "twice"), ("ISC", "ISC"), ("MIT", "the first description")]


def test_label_says_since_when_it_is_there(app: Flask) -> None:
    before = utc_now()

    License.objects.add_missing([("MIT", "MIT")])

    [label] = License.objects.plain()
    assert before <= label["created_date"] <= utc_now()


def test_label_that_somebody_else_added_in_the_meantime_is_as_good(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    licenses = License._get_collection()
    licenses.insert_one({"_id": "MIT", "description": "theirs"})
    monkeypatch.setattr(licenses, "find", lambda *_: [])  # as if it had not been there a moment ago
    monkeypatch.setattr(License, "_collection", licenses)

    License.objects.add_missing([("MIT", "ours"), ("ISC", "ours")])

    monkeypatch.undo()
    assert [label["description"] for label in License.objects.in_order().plain()] == ["ours", "theirs"]


def test_packages_that_are_kept_bring_their_labels(app: Flask) -> None:
    factories.package(
        license="mit",
        classifiers=["Programming Language :: Python :: 3", "Programming Language :: C++", "Topic :: Internet"],
    )

    assert [label["id"] for label in License.objects.plain()] == ["MIT"]
    assert [(label["id"], label["description"]) for label in ProgrammingLanguage.objects.in_order().plain()] == [
        ("c++", "Programming Language :: C++"),
        ("python-3", "Programming Language :: Python :: 3"),
    ]
