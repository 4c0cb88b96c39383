"""`/manage/<name>/tokens`: the API tokens of a project."""

from flask import Flask

from tests import factories
from tests.people import PASSWORD, signed_in
from tests.reading import page_of, words
from webapp.documents import ApiToken, Maintainer, User

TOKENS = "/manage/jam/tokens"
FORM = {"name": "CI of jam", "purpose": "upload", "lifetime": "30", "password": PASSWORD}


def test_owner_makes_sees_and_revokes_tokens_of_the_project(app: Flask) -> None:
    ada = signed_in(app)
    user = User.objects.get()
    factories.package("Jam", maintainers=[Maintainer(user_id=user.id, role="owner")])

    made = ada.send(f"{TOKENS}/new", **FORM)
    token = ApiToken.objects.get()
    listed = words(page_of(ada.get(TOKENS)))
    revoked = ada.press(TOKENS, f"{TOKENS}/{token.id}/revoke")

    assert made.status_code == 200
    assert (token.owner.kind, token.owner.name, token.user_id, token.made_by) == ("project", "jam", None, user.id)
    assert "CI of jam" in listed
    assert (revoked.location, ApiToken.objects.count()) == (TOKENS, 0)


def test_maintainer_sees_none_of_them(app: Flask) -> None:
    owner, grace = factories.user(), signed_in(app, "Grace")
    roles = {owner.id: "owner", User.objects.get(name="Grace").id: "maintainer"}
    factories.package("Jam", maintainers=[Maintainer(user_id=each, role=role) for each, role in roles.items()])

    assert [grace.get(path).status_code for path in (TOKENS, f"{TOKENS}/new")] == [403, 403]
