"""What the tests of managing share: Ada has a project."""

from collections.abc import Callable

import bson
import pytest
from flask import Flask
from flask.testing import FlaskClient
from packaging.utils import NormalizedName

from tests.people import Browser, browser, member, signed_in
from tests.publishing import uploads
from webapp.documents import JournalEntry, Package, User

NAME = NormalizedName("larder-probe")


@pytest.fixture
def ada(app: Flask) -> Browser:
    """A browser in which Ada is signed in."""
    return signed_in(app)


@pytest.fixture
def publish(client: FlaskClient, ada: Browser) -> Callable[..., str]:
    """Let Ada publish a wheel of her project; return the address of the file."""

    def publish(version: str = "1.0", summary: str = "Probes") -> str:
        secret = uploads.token_of(User.objects.get(name="Ada Lovelace"))
        content = uploads.wheel(version=version, text=uploads.metadata(NAME, version, f"Summary: {summary}"))
        answer = uploads.upload(client, secret, content, uploads.wheel_name(version=version))
        assert answer.status_code == 200, answer.text
        address: str = Package.objects.get(pk=NAME).releases_of(version)[0].files[0].url
        return address

    return publish


@pytest.fixture
def join(app: Flask) -> Callable[..., Browser]:
    """Let another member look after Ada's project, and return their browser."""

    def join(name: str, role: str = "maintainer") -> Browser:
        user = member(name)
        maintainer = {"user_id": user.id, "name": name, "role": role}
        Package._get_collection().update_one({"_id": NAME}, {"$push": {"maintainers": maintainer}})
        new = browser(app)
        assert new.sign_in(user.email).status_code == 302
        return new

    return join


def id_of(name: str) -> bson.ObjectId:
    found: bson.ObjectId = User.objects.get(name=name).id
    return found


Publish = Callable[..., str]
Join = Callable[..., Browser]
WHEEL = uploads.wheel_name()


def journal() -> list[str]:
    """What was done to the project, the last first."""
    return [entry["action"] for entry in JournalEntry.objects.about_package(NAME).plain()]


PEOPLE = f"/manage/{NAME}/maintainers"


def roles() -> dict[str, str]:
    return {each.name: each.role for each in Package.objects.get(pk=NAME).maintainers}


def journal_about_people() -> list[tuple[str, str | None]]:
    """What was done to the project, the last first, with whom it is about."""
    return [(entry["action"], entry.get("note")) for entry in JournalEntry.objects.about_package(NAME).plain()]
