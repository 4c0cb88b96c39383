"""`/account/watching`."""

import hashlib

from flask import Flask

from tests import factories
from tests.people import errors, signed_in
from tests.reading import one, page_of, words
from webapp.documents import Watcher


def test_member_watches_a_project_and_stops(app: Flask) -> None:
    ada = signed_in(app)
    factories.package()

    ada.send("/account/watching?project=example", project="Example")
    page = words(one(page_of(ada.get("/account/watching")), "main"))
    projects = Watcher.objects.get().projects
    ada.press("/account/watching", "/account/watching/example/end")

    assert projects == ["example"]
    assert "Stop watching" in page
    assert Watcher.objects.get().projects == []


def test_unknown_project_cannot_be_watched(app: Flask) -> None:
    ada = signed_in(app)

    for name in ("missing", "//"):
        answer = ada.send("/account/watching", project=name)
        assert errors(answer) == {"project": "There is no project with this name on this site."}


def test_number_of_watched_projects_is_limited(app: Flask) -> None:
    ada = signed_in(app)
    factories.package()
    ada.send("/account/watching", project="example")
    Watcher.objects.update(projects=[f"p{number}" for number in range(200)])

    answer = ada.send("/account/watching", project="example")

    assert errors(answer) == {"project": "You can watch at most 200 projects."}


def test_mail_is_chosen(app: Flask) -> None:
    ada = signed_in(app)

    ada.send("/account/watching/mail", mail="daily")

    assert Watcher.objects.get().mail == "daily"
    assert "Mail: daily" in words(one(page_of(ada.get("/account/watching")), "main"))


def test_new_feed_has_an_address_that_is_shown_once(app: Flask) -> None:
    ada = signed_in(app)

    answer = ada.press("/account/watching", "/account/watching/feed")

    address = one(page_of(answer), ".token-secret code").get_text()
    secret = address.rpartition("/")[2].removesuffix(".xml")
    assert address.startswith("http://localhost/rss/watching/")
    assert Watcher.objects.get().feed_digest == hashlib.sha256(secret.encode()).hexdigest()
    assert secret not in ada.get("/account/watching").text
    assert ada.get(f"/rss/watching/{secret}.xml").status_code == 200
