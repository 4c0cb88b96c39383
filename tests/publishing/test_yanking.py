"""Programs yank releases with a token that may."""

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from tests import factories
from tests.publishing import uploads
from webapp.documents import Maintainer, Package, User


@pytest.fixture
def ada(app: Flask) -> User:
    ada = factories.user("Ada")
    factories.package(maintainers=[Maintainer(user_id=ada.id, name="Ada", role="owner")])
    factories.package("Foreign")
    return ada


def send(app: Flask, secret: str, path: str, **fields: str) -> TestResponse:
    return app.test_client().post(f"/pypi/{path}", data=fields, auth=("__token__", secret))


def test_program_yanks_and_unyanks(app: Flask, ada: User) -> None:
    secret = uploads.token_of(ada, permissions=("yank",))

    done = send(app, secret, "Example/1.0/yank", reason="It is broken")
    release = Package.objects.get(pk="example").releases[0]
    undone = send(app, secret, "example/1.0/unyank")

    assert (done.status_code, done.text) == (200, "Yanked example 1.0.\n")
    assert (release.yanked, release.yanked_reason) == (True, "It is broken")
    assert (undone.status_code, undone.text) == (200, "Unyanked example 1.0.\n")
    assert not Package.objects.get(pk="example").releases[0].yanked


@pytest.mark.parametrize(
    ("path", "reason", "status"),
    [("foreign/1.0/yank", "x", 403), ("nothing/1.0/yank", "x", 403), ("example/9/yank", "x", 404),
     ("example/1.0/yank", "x" * 301, 400), ("example/1.0/yank", "a\nb", 400)],
)  # fmt: skip
def test_what_cannot_be_is_refused(app: Flask, ada: User, path: str, reason: str, status: int) -> None:
    secret = uploads.token_of(ada, permissions=("yank",))

    assert send(app, secret, path, reason=reason).status_code == status
    assert not Package.objects.get(pk="example").releases[0].yanked


def test_token_without_the_permission_yanks_nothing(app: Flask, ada: User) -> None:
    for secret in (uploads.token_of(ada, permissions=("upload", "read")), "larder-x"):
        assert send(app, secret, "example/1.0/yank", reason="x").status_code == 403
    assert (
        send(app, uploads.token_of(ada, permissions=("yank",), project="other"), "example/1.0/yank").status_code == 403
    )
