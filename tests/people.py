"""Members in their browsers: forms are opened, filled in and sent, as people do."""

from typing import Any

from bs4 import BeautifulSoup
from flask import Flask, session
from flask.testing import FlaskClient
from flask_mailman import EmailMultiAlternatives
from selectolax.lexbor import LexborHTMLParser, LexborNode
from werkzeug.test import TestResponse

from tests import factories
from webapp.documents import User
from webapp.members import passwords, sessions

PASSWORD = "the analytical engine weaves"
ANOTHER = "nanoseconds matter, admiral"


class Browser(FlaskClient):
    """A client whose requests share nothing: the test's own application context would keep what stands in `g`."""

    def open(self, *args: Any, **kwargs: Any) -> TestResponse:
        with self.application.app_context():
            return super().open(*args, **kwargs)

    def send(self, address: str, /, **fields: Any) -> TestResponse:
        """Open the page of a form, fill the fields in, and send it; the hidden ones go with them."""
        return self.post(address, data=self.hidden_fields(address) | fields)

    def press(self, page: str, action: str) -> TestResponse:
        """Open a page, and press the button whose form leads to this address."""
        return self.post(action, data=self.fields_of(page, action))

    def fields_of(self, page: str, action: str) -> dict[str, str]:
        """The hidden fields of the form on a page that leads to this address."""
        found = LexborHTMLParser(self.get(page).text).css(f'form[action="{action}"]')
        assert len(found) == 1, f"{page} has {len(found)} forms for {action}"
        return _named(found[0].css("input[type=hidden]"))

    def hidden_fields(self, address: str) -> dict[str, str]:
        """The hidden fields of a page's form, its token among them."""
        tree = LexborHTMLParser(self.get(address, headers={"Accept": "text/html"}).text)
        return _named(tree.css("main form input[type=hidden]"))

    def token(self, address: str = "/account/login") -> str:
        return self.hidden_fields(address)["csrf_token"]

    def sign_in(self, identifier: str, password: str = PASSWORD, **fields: Any) -> TestResponse:
        return self.send("/account/login", email=identifier, password=password, **fields)

    def is_signed_in(self) -> bool:
        return self.get("/account").status_code == 200

    def name_in_navigation(self) -> str | None:
        """What the script of each page would show."""
        answer = self.get("/account/nav").json
        assert answer is not None
        name: str | None = answer["name"]
        return name


def _named(fields: list[LexborNode]) -> dict[str, str]:
    return {str(each.attributes["name"]): each.attributes.get("value") or "" for each in fields}


def browser(app: Flask) -> Browser:
    """A new browser, without cookies."""
    return Browser(app, app.response_class, use_cookies=True)


def member(name: str = "Ada Lovelace", password: str | None = PASSWORD, **fields: Any) -> User:
    """A stored user with a password."""
    fields.setdefault("email", f"{name.split()[0].lower()}@example.org")
    return factories.user(name, hashed_password=password and passwords.hash_password(password), **fields)


def signed_in(app: Flask, name: str = "Ada Lovelace", **fields: Any) -> Browser:
    """A browser in which a new member is signed in. The form to sign in is left out: that saves half of many tests."""
    return in_session(app, begun_session(app, member(name, **fields)))


def begun_session(app: Flask, user: User) -> dict[str, Any]:
    """Begin a session of this user, and return what its cookie holds."""
    with app.app_context(), app.test_request_context():
        sessions.begin(user, remember=False, where={})
        return dict(session)


def in_session(app: Flask, begun: dict[str, Any]) -> Browser:
    """A browser with the cookie of this session."""
    new = browser(app)
    with app.app_context(), new.session_transaction() as cookie:
        cookie.update(begun)
    new.set_cookie(sessions.MARKER_COOKIE, "1")
    return new


def signed_in_by_form(app: Flask, name: str = "Ada Lovelace", **fields: Any) -> Browser:
    """The same, as people do it: the audit log says so."""
    user = member(name, **fields)
    new = browser(app)
    assert new.sign_in(user.email).status_code == 302
    return new


def errors(response: TestResponse) -> dict[str, str]:
    """What stands beside the fields of a form: the id of each field, and what is wrong with it."""
    tree = BeautifulSoup(response.text, "html.parser")
    found = {}
    for field in tree.select("[aria-invalid=true]"):
        ids = str(field["aria-describedby"]).split()
        text = tree.select_one(f"#{ids[0]}")
        assert text is not None
        found[str(field["id"])] = " ".join(text.get_text(" ").split())
    return found


def outbox(app: Flask) -> list[EmailMultiAlternatives]:
    """The mails that the site sent, the last one last."""
    mails: list[EmailMultiAlternatives] = getattr(app.extensions["mailman"], "outbox", [])
    return mails


def link_in(mail: EmailMultiAlternatives) -> str:
    """The path of the link in a mail."""
    [link] = [line for line in mail.body.splitlines() if line.startswith("http")]
    return link.removeprefix("http://localhost")
