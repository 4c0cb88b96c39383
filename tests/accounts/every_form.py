"""Every form of the site, and a world in which each of them does something."""

from datetime import timedelta
from typing import Any, NamedTuple

import bson
from flask import Flask
from packaging.utils import NormalizedName

from tests import factories
from tests.people import ANOTHER, PASSWORD, Browser, member, signed_in
from webapp.documents import ApiToken, Invitation, Maintainer, Page, ProjectStatus, User
from webapp.documents.api_token import TokenScope
from webapp.documents.base import utc_now
from webapp.members import tokens

ADA, GRACE = bson.ObjectId("5" * 24), bson.ObjectId("6" * 24)
TOKEN = bson.ObjectId("7" * 24)


class Form(NamedTuple):
    """A form: its address, and what people type there."""

    path: str
    fields: dict[str, str]


# Every form of the site, by its endpoint. A member who is an administrator sends them; some are about Grace.
FORMS = {
    "accounts.register": Form("/account/register", {"name": "Eve", "email": "eve@example.org", "password": ANOTHER}),
    "accounts.finish_registration": Form("/account/register/<link>", {"password": ANOTHER}),
    "accounts.login": Form("/account/login", {"email": "ada@example.org", "password": PASSWORD}),
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
        {"name": "laptop", "project": "", "purpose": "upload", "lifetime": "90", "password": PASSWORD},
    ),
    "accounts.revoke_token": Form(f"/account/tokens/{TOKEN}/revoke", {}),
    "manage.yank": Form("/manage/shared/yank/1.0", {"reason": "It is broken"}),
    "manage.unyank": Form("/manage/shared/unyank/0.9", {}),
    "manage.delete_release": Form("/manage/shared/delete-release/1.0", {"typed": "Shared 1.0"}),
    "manage.delete_file": Form(
        "/manage/shared/delete-file/example-1.0-py3-none-any.whl/of/1.0", {"typed": "example-1.0-py3-none-any.whl"}
    ),
    "manage.delete_project": Form("/manage/shared/delete", {"typed": "Shared"}),
    "manage.status": Form("/manage/shared/status", {"status": "archived", "reason": "Done", "successor": "Example"}),
    "manage.leave": Form("/manage/shared/leave", {}),
    "manage.maintainers": Form("/manage/shared/maintainers", {"email": "eve@example.org", "role": "maintainer"}),
    "manage.change_role": Form(f"/manage/shared/maintainers/{GRACE}/maintainer", {}),
    "manage.remove_maintainer": Form(f"/manage/shared/maintainers/{GRACE}/remove", {}),
    "manage.revoke_invitation": Form("/manage/shared/invitations/first/revoke", {}),
    "manage.invitation": Form("/account/invitations/<link>", {}),
    "admin.new_page": Form("/admin/pages/new", {"path": "company/eve", "title": "Eve", "content": "Text"}),
    "admin.edit_page": Form("/admin/pages/edit/company/us", {"title": "Eve", "content": "Text", "read_version": ""}),
    "admin.delete_page": Form("/admin/pages/delete/company/us", {}),
    "admin.maintainers": Form("/admin/packages/example", {"user": "ada@example.org", "role": "maintainer"}),
    "admin.end_maintaining": Form(f"/admin/packages/example/remove/{GRACE}", {}),
    "admin.start_quarantine": Form("/admin/packages/example/quarantine", {"reason": "It looks hostile"}),
    "admin.stop_quarantine": Form("/admin/packages/suspect/end-quarantine", {}),
    "admin.new_user": Form("/admin/users/new", {"name": "Eve", "email": "eve@example.org"}),
    "admin.change_user": Form(f"/admin/users/{GRACE}/disable", {}),
}
FILLED_IN = [endpoint for endpoint, form in FORMS.items() if form.fields]


def world(app: Flask, **fields: Any) -> Browser:
    """A browser in which Ada is signed in, with a token.

    There are another administrator, Grace, a page, a package of hers, one that both share, and one that invites Ada.
    """
    member("Grace", id=GRACE, is_admin=True)
    factories.package("Example", maintainers=[Maintainer(user_id=GRACE, name="Grace")])
    shared = [Maintainer(user_id=each, role="owner") for each in (ADA, GRACE)]
    yanked = factories.release("0.9", files=[factories.release_file("0.9", yanked=True)], yanked=True)
    factories.package("Shared", maintainers=shared, releases=["1.0", yanked], invitations=[invitation("first")])
    factories.package("Suspect", status=ProjectStatus(marker="quarantined"))
    factories.package("Inviting", maintainers=shared[1:], invitations=[invitation("second")])
    Page(path="company/us", title="Us").save()
    ApiToken(id=TOKEN, user_id=ADA, name="CI", digest="a" * 64, scope=TokenScope(kind="account")).save()
    return signed_in(app, id=ADA, **fields)


def invitation(invitation_id: str) -> Invitation:
    """An invitation by Grace, good for a day."""
    tomorrow = utc_now() + timedelta(days=1)
    return Invitation(invitation_id=invitation_id, email="eve@example.org", invited_by=GRACE, expires_at=tomorrow)


def path_of(app: Flask, form: Form) -> str:
    """The address of a form; links are made for Ada."""
    ada = User.objects.get(email="ada@example.org")
    with app.test_request_context():
        links = {
            "reset": tokens.for_reset(ada),
            "email": tokens.for_email(ada, "new@example.org"),
            "register": tokens.for_registration("Eve", "eve@example.org", ""),
            "invitations": tokens.for_invitation(NormalizedName("inviting"), "second"),
        }
    return form.path.replace("<link>", links.get(form.path.split("/")[2], ""))
