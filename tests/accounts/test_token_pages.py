"""`/account/tokens/`."""

from datetime import timedelta

from flask import Flask

from tests.people import PASSWORD, Browser, errors, signed_in
from tests.publishing.uploads import upload, wheel, wheel_name
from tests.reading import one, page_of, texts, words
from webapp.documents import ApiToken, AuditEvent, User
from webapp.documents.base import utc_now

MADE = {"name": "CI", "project": "", "purpose": "upload", "lifetime": "365", "password": PASSWORD}


def secret_of(visitor: Browser, **fields: str) -> str:
    page = page_of(visitor.send("/account/tokens/new", **(MADE | fields)))
    return words(one(page, ".token-secret code"))


def test_token_that_was_made_uploads(app: Flask) -> None:
    visitor = signed_in(app)

    secret = secret_of(visitor)

    assert secret.startswith("larder-")
    assert upload(app.test_client(), secret, wheel(), wheel_name()).status_code == 200
    [line] = texts(page_of(visitor.get("/account/tokens/")), ".token")
    assert line.startswith(f"CI {secret[:11]}… All your projects · upload · created")
    assert "last used" in line


def test_secret_is_shown_once_and_stands_nowhere(app: Flask) -> None:
    visitor = signed_in(app)

    secret = secret_of(visitor)

    assert visitor.get("/account/tokens/").text.count(secret) == 0
    everything = str([ApiToken._get_collection().find_one(), *AuditEvent._get_collection().find()])
    assert secret not in everything
    assert "Created the API token “CI”" in everything


def test_pages_of_tokens_lead_on_to_the_projects(app: Flask) -> None:
    visitor = signed_in(app)

    made = page_of(visitor.send("/account/tokens/new", **MADE))

    assert texts(made, 'main a[href="/manage/"]') == ["your projects"]
    assert texts(page_of(visitor.get("/account/tokens/")), 'main a[href="/manage/"]') == ["publish your projects"]


def test_token_for_one_project_says_so(app: Flask) -> None:
    visitor = signed_in(app)

    secret_of(visitor, project=" Larder_Probe ", purpose="upload read", lifetime="30")

    token = ApiToken.objects.get()
    assert (token.scope.kind, token.scope.project) == ("project", "larder-probe")
    assert token.permissions == ["upload", "read"]
    assert abs(token.expires_at - utc_now() - timedelta(days=30)) < timedelta(minutes=1)


def test_token_is_not_made_without_the_password_or_for_no_project(app: Flask) -> None:
    visitor = signed_in(app)

    wrong = visitor.send("/account/tokens/new", **(MADE | {"password": "wrong"}))
    nameless = visitor.send("/account/tokens/new", **(MADE | {"project": "../evil", "name": " "}))
    odd = visitor.send("/account/tokens/new", **(MADE | {"purpose": "admin", "lifetime": "99999"}))

    assert errors(wrong) == {"password": "The password is incorrect."}
    assert sorted(errors(nameless)) == ["name", "project"]
    assert sorted(errors(odd)) == ["lifetime", "purpose"]
    assert ApiToken.objects.count() == 0


def test_revoked_token_is_refused_from_then_on(app: Flask) -> None:
    visitor = signed_in(app)
    secret = secret_of(visitor)
    address = f"/account/tokens/{ApiToken.objects.get().id}/revoke"

    response = visitor.press("/account/tokens/", address)

    assert (response.status_code, response.location) == (302, "/account/tokens/")
    assert upload(app.test_client(), secret, wheel(), wheel_name()).status_code == 403
    assert "revoked" in words(one(page_of(visitor.get("/account/tokens/")), "[role=status]"))


def test_nobody_revokes_the_token_of_another(app: Flask) -> None:
    secret_of(signed_in(app))
    eve = signed_in(app, "Eve")
    fields = {"csrf_token": eve.token("/account/profile")}

    for token_id in (str(ApiToken.objects.get().id), "0", "x" * 24):
        assert eve.post(f"/account/tokens/{token_id}/revoke", data=fields).status_code == 404
    assert ApiToken.objects.count() == 1


def test_member_has_so_many_tokens_at_most(app: Flask) -> None:
    visitor = signed_in(app)
    secret_of(visitor)
    row = ApiToken._get_collection().find_one()
    assert row is not None
    ApiToken._get_collection().insert_many(
        [{key: value for key, value in row.items() if key != "_id"} | {"digest": str(n)} for n in range(49)]
    )

    response = visitor.send("/account/tokens/new", **MADE)

    assert "at most 50 API tokens" in errors(response)["name"]


def test_tokens_go_with_their_owner(app: Flask) -> None:
    visitor = signed_in(app)
    secret_of(visitor)

    visitor.send("/account/delete", password=PASSWORD)

    assert User.objects.count() == ApiToken.objects.count() == 0


def test_tokens_that_were_edited_by_hand_are_shown_as_far_as_they_go(app: Flask) -> None:
    visitor = signed_in(app)
    ApiToken._get_collection().insert_one({"user_id": User.objects.get().id, "scope": 7, "permissions": "x", "name": 3})

    [line] = texts(page_of(visitor.get("/account/tokens/")), ".token")

    assert line.startswith("Unnamed token")
