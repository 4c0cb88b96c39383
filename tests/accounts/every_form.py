"""Every form of the site, and a world in which each of them does something."""

import hashlib
import time
from datetime import timedelta
from typing import Any, NamedTuple

import bson
from flask import Flask
from packaging.utils import NormalizedName

from tests import factories
from tests.beginnings import begin
from tests.people import ANOTHER, PASSWORD, Browser, begun_session, in_session, member
from tests.publishing import uploads
from webapp.documents import (
    ApiToken,
    Invitation,
    Maintainer,
    Membership,
    Page,
    PendingPublisher,
    ProjectStatus,
    Publisher,
    PublishingSession,
    ReleaseFile,
    SessionFile,
    Team,
    TeamRole,
    User,
    Watcher,
    Webhook,
    WebhookMessage,
)
from webapp.documents.api_token import TokenOwner, TokenScope
from webapp.documents.base import utc_now
from webapp.documents.release import own_url
from webapp.documents.second_factor import RecoveryCode, SecondFactor
from webapp.documents.user import Identity
from webapp.members import tokens
from webapp.openid.providers import Provider
from webapp.openid.sign_on import SignOn

ADA, GRACE = bson.ObjectId("5" * 24), bson.ObjectId("6" * 24)
TOKEN, TEAM_TOKEN, PROJECT_TOKEN = (bson.ObjectId(digit * 24) for digit in "789")
SECRETS = {"networks": "192.0.2.0/24", "password": PASSWORD}
HOOK, SESSION, FULL, READY = (bson.ObjectId(digit * 24) for digit in "8abc")
# The wheel of the session that can be published, and what its page shows of it.
WHEEL, WHEEL_NAME = uploads.wheel("staged", "3.0"), uploads.wheel_name("staged", "3.0")
_LISTED = ReleaseFile(
    filename=WHEEL_NAME,
    url=own_url(uploads.sha256(WHEEL), WHEEL_NAME),
    size=len(WHEEL),
    packagetype="bdist_wheel",
    sha256=uploads.sha256(WHEEL),
)
_READY_FILE = SessionFile(filename=WHEEL_NAME, state="completed", file=_LISTED, uploaded_by=ADA)
SEEN = PublishingSession(files=[_READY_FILE]).fingerprint
RECOVERY_CODE = "aaaa-bbbb-cccc-dddd"


ISSUER = "https://gitlab.example.org"


class Form(NamedTuple):
    """A form: its address, and what people type there."""

    path: str
    fields: dict[str, str]


# Every form of the site, by its endpoint. A member who is an administrator sends them; some are about Grace.
FORMS = {
    "accounts.register": Form("/account/register", {"name": "Eve", "email": "eve@example.org", "password": ANOTHER}),
    "accounts.finish_registration": Form("/account/register/<link>", {"password": ANOTHER}),
    "accounts.login": Form("/account/login", {"email": "grace@example.org", "password": PASSWORD}),
    "accounts.confirm_identity": Form("/account/confirm", {"password": PASSWORD, "code": RECOVERY_CODE}),
    "accounts.new_recovery_codes": Form("/account/two-factor/codes", {}),
    "accounts.remove_factor": Form("/account/two-factor/phone/remove", {}),
    "accounts.forgotten": Form("/account/forgotten", {"email": "ada@example.org"}),
    "accounts.reset": Form("/account/reset/<link>", {"password": ANOTHER}),
    "accounts.logout": Form("/account/logout", {}),
    "accounts.edit_profile": Form("/account/profile", {"name": "Eve", "username": "eve", "profile_image_url": ""}),
    "accounts.change_password": Form("/account/password", {"password": PASSWORD, "new_password": ANOTHER}),
    "accounts.change_email": Form("/account/email", {"email": "eve@example.org", "password": PASSWORD}),
    "accounts.confirm_email": Form("/account/email/<link>", {}),
    "accounts.end_sessions": Form("/account/sessions/end", {}),
    "accounts.delete_account": Form("/account/delete", {"password": PASSWORD}),
    "accounts.new_token": Form(
        "/account/tokens/new",
        {"name": "laptop", "project": "", "purpose": "upload", "lifetime": "90", "networks": "", "password": PASSWORD},
    ),
    "teams.new_token": Form(
        "/teams/staff/tokens/new", {"name": "CI", "project": "a b", "purpose": "yank", "lifetime": "30", **SECRETS}
    ),
    "teams.revoke_token": Form(f"/teams/staff/tokens/{TEAM_TOKEN}/revoke", {}),
    "manage.new_token": Form(
        "/manage/shared/tokens/new", {"name": "CI", "purpose": "upload", "lifetime": "30", **SECRETS}
    ),
    "manage.revoke_token": Form(f"/manage/shared/tokens/{PROJECT_TOKEN}/revoke", {}),
    "accounts.revoke_token": Form(f"/account/tokens/{TOKEN}/revoke", {}),
    "manage.yank": Form("/manage/shared/yank/1.0", {"reason": "It is broken"}),
    "manage.unyank": Form("/manage/shared/unyank/0.9", {}),
    "manage.delete_release": Form("/manage/shared/delete-release/1.0", {"typed": "Shared 1.0"}),
    "manage.delete_file": Form(
        "/manage/shared/delete-file/example-1.0-py3-none-any.whl/of/1.0", {"typed": "example-1.0-py3-none-any.whl"}
    ),
    "manage.delete_project": Form("/manage/shared/delete", {"typed": "Shared"}),
    "manage.status": Form("/manage/shared/status", {"status": "archived", "reason": "Done", "successor": "Example"}),
    "manage.signers": Form("/manage/shared/signers", {"signers": ""}),
    "manage.release_rule": Form("/manage/shared/release-rule", {"rule": "sessions"}),
    "manage.new_publisher_page": Form(
        "/manage/shared/publishers/new",
        {"issuer": ISSUER, "service": "github", "repository": "acme/rocket", "workflow": "release.yml"},
    ),
    "manage.remove_publisher_page": Form("/manage/shared/publishers/ci/remove", {}),
    "manage.only_publishers": Form("/manage/shared/publishers/only/on", {}),
    "manage.new_pending_publisher": Form(
        "/account/publishers/new",
        {"project": "rocket", "issuer": ISSUER, "service": "other", "conditions": "sub = ci"},
    ),
    "manage.remove_pending_publisher": Form(f"/account/publishers/{TOKEN}/remove", {}),
    "manage.leave": Form("/manage/shared/leave", {}),
    "manage.maintainers": Form("/manage/shared/maintainers", {"email": "eve@example.org", "role": "maintainer"}),
    "manage.change_role": Form(f"/manage/shared/maintainers/{GRACE}/maintainer", {}),
    "manage.remove_maintainer": Form(f"/manage/shared/maintainers/{GRACE}/remove", {}),
    "manage.revoke_invitation": Form("/manage/shared/invitations/first/revoke", {}),
    "teams.invite": Form("/teams/staff/invite", {"email": "eve@example.org", "role": "member"}),
    "teams.revoke_invitation": Form("/teams/staff/invitations/third/revoke", {}),
    "teams.invitation": Form("/account/invitations/team/<link>", {}),
    "manage.add_team": Form("/manage/shared/teams/add", {"team": "helpers", "role": "maintainer"}),
    "manage.change_team": Form("/manage/shared/teams/staff/maintainer", {}),
    "manage.remove_team": Form("/manage/shared/teams/staff/remove", {}),
    "manage.readers": Form("/manage/shared/readers", {"readers": "staff"}),
    "teams.new_team": Form("/teams/new", {"name": "payments", "title": "Payments", "groups": "pay"}),
    "teams.settings": Form("/teams/staff/settings", {"title": "Everybody", "groups": "all"}),
    "teams.delete_team": Form("/teams/helpers/delete", {}),
    "teams.leave": Form("/teams/staff/leave", {}),
    "teams.add_member": Form("/teams/staff/add", {"user": "hedy@example.org", "role": "owner"}),
    "teams.change_role": Form(f"/teams/staff/members/{GRACE}/owner", {}),
    "teams.remove": Form(f"/teams/staff/members/{GRACE}/remove", {}),
    "manage.publishing_sessions": Form("/manage/shared/sessions/", {"version": "3.0"}),
    "manage.publish_session_now": Form(f"/manage/staged/sessions/{READY}/publish", {"seen": SEEN}),
    "manage.cancel_session": Form(f"/manage/shared/sessions/{SESSION}/cancel", {}),
    "manage.extend_session": Form(f"/manage/shared/sessions/{SESSION}/extend", {}),
    "manage.remove_from_session": Form(f"/manage/shared/sessions/{FULL}/remove/x.whl", {}),
    "manage.invitation": Form("/account/invitations/<link>", {}),
    "admin.new_page": Form("/admin/pages/new", {"path": "company/eve", "title": "Eve", "content": "Text"}),
    "admin.edit_page": Form("/admin/pages/edit/company/us", {"title": "Eve", "content": "Text", "read_version": ""}),
    "admin.delete_page": Form("/admin/pages/delete/company/us", {}),
    "admin.maintainers": Form(
        "/admin/packages/example", {"user": "ada@example.org", "role": "maintainer", "reason": "She asked"}
    ),
    "admin.end_maintaining": Form(f"/admin/packages/example/remove/{GRACE}", {"reason": "She left"}),
    "admin.transfer_project": Form(
        "/admin/packages/example/transfer", {"user": "ada@example.org", "reason": "She asked"}
    ),
    "admin.yank": Form("/admin/packages/example/yank/1.0", {"reason": "It is broken"}),
    "admin.delete_release": Form(
        "/admin/packages/example/delete-release/1.0", {"reason": "It is hostile", "typed": "Example 1.0"}
    ),
    "admin.delete_project": Form("/admin/packages/example/delete", {"reason": "It is hostile", "typed": "Example"}),
    "admin.start_quarantine": Form("/admin/packages/example/quarantine", {"reason": "It looks hostile"}),
    "admin.stop_quarantine": Form("/admin/packages/suspect/end-quarantine", {"reason": "It is harmless"}),
    "admin.new_user": Form("/admin/users/new", {"name": "Eve", "email": "eve@example.org"}),
    "admin.change_user": Form(f"/admin/users/{GRACE}/disable", {}),
    "accounts.oidc_connect": Form("/account/oidc/connect", {}),
    "accounts.oidc_disconnect": Form("/account/oidc/disconnect", {}),
    "accounts.watching": Form("/account/watching", {"project": "Example"}),
    "accounts.watching_mail": Form("/account/watching/mail", {"mail": "daily"}),
    "accounts.unwatch": Form("/account/watching/shared/end", {}),
    "accounts.new_feed": Form("/account/watching/feed", {}),
    "webhooks.new_hook": Form("/manage/shared/webhooks/new", {"url": "https://ci.example.org/", "release": "y"}),
    "webhooks.edit_hook": Form(f"/manage/shared/webhooks/{HOOK}/edit", {"url": "https://ci.example.org/", "role": "y"}),
    "webhooks.change_hook": Form(f"/manage/shared/webhooks/{HOOK}/new-secret", {}),
    "webhooks.again": Form(f"/manage/shared/webhooks/{HOOK}/messages/msg_1/again", {}),
}
# Nobody types what the button that publishes a session carries.
FILLED_IN = [endpoint for endpoint, form in FORMS.items() if form.fields and endpoint != "manage.publish_session_now"]
# Only an app or a passkey can fill these in: test_two_factor.py and test_passkeys.py do.
DEVICE_FORMS = {
    "accounts.new_app": "/account/two-factor/app",
    "accounts.new_passkey": "/account/two-factor/passkey",
    "accounts.passkey_sign_in": "/account/login/passkey",
    "accounts.second_step": "/account/login/second-step",
}


def world(app: Flask, **fields: Any) -> Browser:
    """A browser in which Ada is signed in, with a token and an authenticator app.

    There are another administrator, Grace, a page, a package of hers, one that both share, and one that invites Ada.
    """
    begun = begin(app, f"world of {fields}", lambda: _make_world(app, **fields))
    app.extensions["trusted_issuers"] = {ISSUER: Provider(ISSUER, "TRUSTED_ISSUERS")}
    at_provider = {"OIDC_ISSUER": ISSUER, "OIDC_NAME": "Acme", "OIDC_CLIENT_ID": "larder"}
    app.extensions["sign_on"] = SignOn(app.config | at_provider)
    # As if she came back from the provider, to connect her account.
    found = [str(ADA), "ada-1815", "ada@example.org", "Ada", int(time.time())]
    return in_session(app, begun | {"oidc_found": found})


def _make_world(app: Flask, **fields: Any) -> dict[str, Any]:
    """Store what is in the world, and return Ada's session."""
    staff = [Membership(team="staff")]
    member("Grace", id=GRACE, is_admin=True, teams=staff)
    member("Hedy", password=None)
    Team(name="staff", title="Staff", invitations=[invitation("third", role="member")]).save()
    Team(name="helpers", invitations=[invitation("fourth", role="member")]).save()
    factories.package("Example", maintainers=[Maintainer(user_id=GRACE, name="Grace")])
    shared = [
        Maintainer(user_id=each, name=name, role="owner") for each, name in ((ADA, "Ada Lovelace"), (GRACE, "Grace"))
    ]
    yanked = factories.release("0.9", files=[factories.release_file("0.9", yanked=True)], yanked=True)
    factories.package(
        "Shared",
        maintainers=shared,
        releases=["1.0", yanked],
        invitations=[invitation("first")],
        signers=["ci@example.org"],
        publishers=[publisher()],
        teams=[TeamRole(team="staff", role="owner")],
    )
    factories.package("Suspect", status=ProjectStatus(marker="quarantined"))
    factories.package("Inviting", maintainers=shared[1:], invitations=[invitation("second", user_id=ADA)])
    file = SessionFile(filename="x.whl", state="completed")
    factories.package("Staged", maintainers=shared)
    sessions = [(SESSION, "shared", "2.0", []), (FULL, "shared", "2.1", [file]), (READY, "staged", "3.0", [])]
    for session_id, name, version, files in sessions:
        PublishingSession(
            id=session_id,
            package=name,
            version=version,
            live_key=f"{name}/{version}",
            state="open",
            stage_token=version,
            created_at=utc_now(),
            created_by=GRACE,
            expires_at=utc_now() + timedelta(hours=1),
            files=files,
        ).save()
    Page(path="company/us", title="Us").save()
    Webhook(id=HOOK, project="shared", url="https://ci.example.org/old", kinds=["release"], secret="whsec_eA==").save()
    Watcher(user_id=ADA, projects=["shared"], mail="never").save()
    WebhookMessage(id="msg_1", webhook_id=HOOK, body="{}", state="failed").save()
    soon = utc_now() + timedelta(days=1)
    PendingPublisher(id=TOKEN, project="planned", user_id=ADA, publisher=publisher(), expires_at=soon).save()
    ApiToken(id=TOKEN, user_id=ADA, name="CI", digest="a" * 64, scope=TokenScope(kind="account")).save()
    for token_id, kind, name in ((TEAM_TOKEN, "team", "staff"), (PROJECT_TOKEN, "project", "shared")):
        owner, scope = TokenOwner(kind=kind, name=name), TokenScope(kind="account")
        ApiToken(id=token_id, owner=owner, name="CI", digest=kind * 10, scope=scope).save()
    former = Identity(issuer="https://former.example.org", subject="ada", connected_at=utc_now())
    ada = member(id=ADA, teams=staff, identity=former, **fields)
    _fill_session(app, ada)
    begun = begun_session(app, ada)
    app_of_hers = SecondFactor(factor_id="phone", kind="app", name="phone", secret="A" * 32, last_step=0)
    code = RecoveryCode(digest=hashlib.sha256(RECOVERY_CODE.replace("-", "").encode()).hexdigest())
    User.objects(pk=ADA).update(second_factors=[app_of_hers], recovery_codes=[code])
    return begun


def _fill_session(app: Flask, user: User) -> None:
    """Upload a file to the session that can be published, with a token that is gone afterwards."""
    secret = uploads.token_of(user)
    response = uploads.upload(app.test_client(), secret, WHEEL, WHEEL_NAME, f"/legacy/sessions/{READY}/")
    assert response.status_code == 200, response.text
    PublishingSession.objects(pk=READY).update(set__files=[_READY_FILE])  # without the time, which is never the same
    ApiToken.objects(user_id=user.id, name="tests").delete()


def publisher() -> Publisher:
    """A pipeline that may publish."""
    return Publisher(publisher_id="ci", key=f"{ISSUER} sub=ci", issuer=ISSUER, conditions={"sub": "ci"})


def invitation(invitation_id: str, **fields: Any) -> Invitation:
    """An invitation by Grace, good for a day; Ada finds one of them on her account page."""
    tomorrow = utc_now() + timedelta(days=1)
    return Invitation(
        invitation_id=invitation_id, email="eve@example.org", invited_by=GRACE, expires_at=tomorrow, **fields
    )


def path_of(app: Flask, form: Form) -> str:
    """The address of a form; links are made for Ada."""
    ada = User.objects.get(email="ada@example.org")
    with app.test_request_context():
        links = {
            "reset": tokens.for_reset(ada),
            "email": tokens.for_email(ada, "new@example.org"),
            "register": tokens.for_registration("Eve", "eve@example.org", ""),
            "invitations": tokens.for_invitation(NormalizedName("inviting"), "second"),
            "team": tokens.for_team_invitation("helpers", "fourth"),
        }
    return form.path.replace("<link>", links.get(form.path.split("/")[-2], ""))
