"""What leaves out the projects that are hidden from a reader."""

from collections.abc import Iterator
from contextlib import suppress

import pytest
from flask import Flask

from tests import factories
from webapp.documents import Package, hidden
from webapp.documents.hidden import MEMBERS, admit, everything_shown, hidden_names, hide, is_stranger, reader_key, shown


@pytest.fixture
def request_() -> Iterator[None]:
    """A request to a site without anything else."""
    with Flask(__name__).test_request_context():
        yield


@pytest.mark.usefixtures("request_")
def test_reader_from_whom_nothing_is_hidden_asks_without_a_condition() -> None:
    assert hidden_names() == []
    assert shown() == {}
    assert reader_key() == ""


@pytest.mark.usefixtures("request_")
def test_condition_names_what_is_hidden_in_order() -> None:
    hide({"jam", "butter"})

    assert hidden_names() == ["butter", "jam"]
    assert shown() == {"_id": {"$nin": ["butter", "jam"]}}
    assert shown("package") == {"package": {"$nin": ["butter", "jam"]}}


@pytest.mark.usefixtures("request_")
def test_readers_who_see_the_same_share_a_key_and_others_do_not() -> None:
    keys = []
    for names in (["jam", "butter"], ["butter", "jam"], ["butter"], ["butterjam"]):
        hide(names)
        keys.append(reader_key())

    assert keys[0] == keys[1]
    assert len({*keys, ""}) == 4


@pytest.mark.usefixtures("request_")
def test_everything_is_shown_meanwhile_and_hidden_again_even_after_an_error() -> None:
    hide(["jam"])

    with suppress(ValueError), everything_shown():
        meanwhile = hidden_names()
        raise ValueError

    assert meanwhile == []
    assert hidden_names() == ["jam"]


def test_nothing_is_hidden_outside_a_request() -> None:
    assert hidden.hidden_names() == []
    assert hidden.shown() == {}


def test_queryset_leaves_out_hidden_projects_whatever_else_it_asks(app: Flask) -> None:
    for name in ("Butter", "Jam", "Jelly"):
        factories.package(name)

    with app.test_request_context():
        hide(["jam"])
        found = Package.objects(pk__in=["jam", "jelly"]).plain()

    assert [each["name"] for each in found] == ["Jelly"]
    assert Package.objects.count() == 3


def test_everybody_is_a_stranger_on_a_site_for_members_until_they_are_admitted() -> None:
    site = Flask(__name__)
    site.config["READ_ACCESS"] = MEMBERS

    with site.app_context():
        assert not is_stranger(), "commands and threads read everything"
    with site.test_request_context():
        hide([])
        before = (is_stranger(), reader_key())
        admit()
        with everything_shown():
            pass

        assert before == (True, "stranger")
        assert (is_stranger(), reader_key()) == (False, "")
    with Flask(__name__).test_request_context():
        assert not is_stranger()
