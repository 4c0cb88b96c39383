"""`/teams/<team>/tokens`: the API tokens of a team."""

from flask import Flask

from tests.people import PASSWORD, signed_in
from tests.reading import page_of, words
from webapp.documents import ApiToken, Membership, Team, User

TOKENS = "/teams/payments/tokens"
FORM = {"name": "CI of payments", "purpose": "upload", "lifetime": "30", "password": PASSWORD}


def test_owner_makes_sees_and_revokes_tokens_of_the_team(app: Flask) -> None:
    Team(name="payments", title="Payments").save()
    ada = signed_in(app, teams=[Membership(team="payments", role="owner")])

    made = ada.send(f"{TOKENS}/new", **FORM)
    token = ApiToken.objects.get()
    listed = words(page_of(ada.get(TOKENS)))
    revoked = ada.press(TOKENS, f"{TOKENS}/{token.id}/revoke")

    assert made.status_code == 200
    assert (token.owner.kind, token.owner.name) == ("team", "payments")
    assert (token.user_id, token.made_by) == (None, User.objects.get().id)
    assert "the team Payments" in listed
    assert (revoked.location, ApiToken.objects.count()) == (TOKENS, 0)


def test_member_of_the_team_sees_none_of_them(app: Flask) -> None:
    Team(name="payments").save()
    grace = signed_in(app, "Grace", teams=[Membership(team="payments", role="member")])

    assert [grace.get(path).status_code for path in (TOKENS, f"{TOKENS}/new")] == [403, 403]
