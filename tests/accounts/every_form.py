"""Every form of the site, and a world in which each of them does something."""

from typing import Any, NamedTuple

import bson
from flask import Flask

from tests import factories
from tests.members import ANOTHER, PASSWORD, Browser, member, signed_in
from webapp.accounts import tokens
from webapp.documents import ApiToken, Maintainer, Page, User
from webapp.documents.api_token import TokenScope

GRACE = bson.ObjectId("6" * 24)
TOKEN = bson.ObjectId("7" * 24)


class Form(NamedTuple):
    """A form: its address, and what people type there."""

    path: str
    fields: dict[str, str]


# Every form of the site, by its endpoint. A member who is an administrator sends them; some are about Grace.
FORMS = {
    "accounts.register": Form("/account/register", {"name": "Eve", "email": "eve@example.org", "password": ANOTHER}),
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
    "admin.new_page": Form("/admin/pages/new", {"path": "company/eve", "title": "Eve", "content": "Text"}),
    "admin.edit_page": Form("/admin/pages/edit/company/us", {"title": "Eve", "content": "Text", "read_version": ""}),
    "admin.delete_page": Form("/admin/pages/delete/company/us", {}),
    "admin.maintainers": Form("/admin/packages/example", {"user": "ada@example.org", "role": "maintainer"}),
    "admin.end_maintaining": Form(f"/admin/packages/example/remove/{GRACE}", {}),
    "admin.new_user": Form("/admin/users/new", {"name": "Eve", "email": "eve@example.org"}),
    "admin.act_on_user": Form(f"/admin/users/{GRACE}/disable", {}),
}
FILLED_IN = [endpoint for endpoint, form in FORMS.items() if form.fields]


def world(app: Flask, **fields: Any) -> Browser:
    """A browser in which Ada is signed in; there are another administrator, a page, a package and a token, too."""
    member("Grace", id=GRACE, is_admin=True)
    factories.package("Example", maintainers=[Maintainer(user_id=GRACE, name="Grace")])
    Page(path="company/us", title="Us").save()
    visitor = signed_in(app, **fields)
    ada = User.objects.get(email="ada@example.org")
    ApiToken(id=TOKEN, user_id=ada.id, name="CI", digest="a" * 64, scope=TokenScope(kind="account")).save()
    return visitor


def path_of(app: Flask, form: Form) -> str:
    """The address of a form; links are made for Ada."""
    ada = User.objects.get(email="ada@example.org")
    with app.test_request_context():
        token = tokens.for_reset(ada) if "reset" in form.path else tokens.for_email(ada, "new@example.org")
    return form.path.replace("<link>", token)
