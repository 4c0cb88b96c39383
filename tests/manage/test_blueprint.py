"""Who may open the pages of a project, and what a deletion asks for first."""

from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.manage.conftest import NAME, WHEEL, Join, Publish, journal
from tests.people import ANOTHER, PASSWORD, Browser, errors, signed_in
from tests.reading import links, one, page_of, words
from webapp.documents import Package, User
from webapp.documents.base import utc_now


def grow_old(seconds: int = 1801) -> None:
    """Let the sign-in of everybody have been so long ago."""
    past = utc_now() - timedelta(seconds=seconds)
    User._get_collection().update_many({}, {"$set": {"sessions.0.created_date": past}})


@pytest.mark.parametrize(
    ("address", "right"),
    [
        (f"/manage/{NAME}/delete-release/1.0", f"{NAME} 1.0"),
        (f"/manage/{NAME}/delete-file/{WHEEL}/of/1.0", WHEEL),
        (f"/manage/{NAME}/delete", NAME),
    ],
)
def test_nothing_is_deleted_before_its_name_is_typed_and_after_half_an_hour_the_password(
    ada: Browser, publish: Publish, address: str, right: str
) -> None:
    publish()
    before = Package._get_collection().find_one({})
    fresh_page = page_of(ada.get(address))

    wrong = ada.send(address, typed=right[:-1])
    grow_old()
    late = ada.send(address, typed=right)
    bad = ada.send(address, typed=right, password=ANOTHER)

    assert fresh_page.select("[name=password]") == []
    assert errors(wrong) == {"typed": f"Type “{right}” to confirm."}
    assert errors(late) == {"password": "You signed in more than 30 minutes ago. Enter your password as well."}
    assert one(page_of(late, 400), "[name=typed]")["value"] == right
    assert errors(bad) == {"password": "The password is incorrect."}
    assert Package._get_collection().find_one({}) == before
    assert ada.send(address, typed=right, password=PASSWORD).status_code == 302


def test_password_that_was_typed_for_one_deletion_is_good_for_the_next_half_hour(
    ada: Browser, publish: Publish
) -> None:
    publish("1.0")
    publish("2.0")
    grow_old()

    first = ada.send(f"/manage/{NAME}/delete-release/1.0", typed=f"{NAME} 1.0", password=PASSWORD)
    second = ada.send(f"/manage/{NAME}/delete-release/2.0", typed=f"{NAME} 2.0")

    assert (first.status_code, second.status_code) == (302, 302)


def test_maintainer_yanks_and_deletes_nothing(join: Join, publish: Publish) -> None:
    publish()
    grace = join("Grace Hopper")

    release = page_of(grace.get(f"/manage/{NAME}/release/1.0"))
    yanked = grace.send(f"/manage/{NAME}/yank/1.0", reason="It is broken")

    assert yanked.status_code == 302
    assert [address for _, address in links(release, "main a") if "delete" in address] == []
    for address in (
        f"/manage/{NAME}/delete-release/1.0",
        f"/manage/{NAME}/delete",
        f"/manage/{NAME}/delete-file/{WHEEL}/of/1.0",
    ):
        assert "Only an owner" in words(one(page_of(grace.get(address), 403), ".lead"))
        assert (
            grace.post(address, data={"csrf_token": grace.token("/account/profile"), "typed": NAME}).status_code == 403
        )
    assert journal()[0] == "yank release"


PAGES = ["", "release/1.0", "yank/1.0", "delete-release/1.0", f"delete-file/{WHEEL}/of/1.0", "delete"]
PAGES += ["maintainers", "settings", "history"]


def test_pages_are_for_who_looks_after_the_project(app: Flask, client: FlaskClient, publish: Publish) -> None:
    publish()
    stranger = signed_in(app, "Eve")

    for page in PAGES:
        address = f"/manage/{NAME}/{page}"
        assert client.get(address).location == f"/account/login?next={address}"
        assert words(one(page_of(stranger.get(address), 403), ".lead")) == "You do not maintain this project."
        assert stranger.get(f"/manage/nothing/{page}").status_code == 404
        assert stranger.get(f"/manage/$ne/{page}").status_code == 404


def test_what_is_not_there_is_not_found(ada: Browser, publish: Publish) -> None:
    publish()

    missing = ("release/9", "yank/9", "delete-release/9", f"delete-file/{WHEEL}/of/9", "delete-file/x.whl/of/1.0")
    for address in (*missing, "?page=2", "history?page=2"):
        assert ada.get(f"/manage/{NAME}/{address}").status_code == 404


def test_spelling_of_the_name_does_not_matter(ada: Browser, publish: Publish) -> None:
    publish()

    assert ada.send("/manage/Larder_Probe/yank/1.0", reason="It is broken").status_code == 302
    assert ada.send("/manage/Larder.Probe/delete", typed=NAME).status_code == 302
    assert Package.objects.count() == 0
