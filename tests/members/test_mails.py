"""Mails on their way: a real conversation with an SMTP server, files, and what happens when nobody listens."""

import email
import os
import re
import shutil
import ssl
import stat
import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from email.message import Message
from email.policy import default
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword
from flask import Flask
from pymongo.errors import AutoReconnect

from config import DevelopmentConfig, TestingConfig
from tests import factories
from tests.conftest import free_port, required
from tests.people import ANOTHER, PASSWORD, Browser, browser, errors, member, outbox, signed_in
from tests.reading import one, page_of, words
from webapp.documents import AuditEvent, Maintainer, User
from webapp.members import mails
from webapp.serving.extensions import mail


class Mailbox:
    """What a server took, and how it was brought."""

    def __init__(self) -> None:
        self.taken: list[tuple[str, list[str], Message]] = []
        self.encrypted: list[bool] = []

    async def handle_DATA(self, _: Any, session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's name
        self.taken.append(
            (envelope.mail_from, envelope.rcpt_tos, email.message_from_bytes(envelope.content, policy=default))
        )
        self.encrypted.append(session.ssl is not None)
        return "250 OK"


@pytest.fixture
def smtp(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Mailbox]]:
    """Start an SMTP server, and let the site send to it."""
    before = app.extensions["mailman"]
    started: list[Controller] = []

    def start(server: dict[str, Any] | None = None, mailbox: Mailbox | None = None, **settings: Any) -> Mailbox:
        mailbox, port = mailbox or Mailbox(), free_port()
        controller = Controller(mailbox, hostname="127.0.0.1", port=port, **(server or {}))
        controller.start()
        started.append(controller)
        connect(app, monkeypatch, MAIL_PORT=port, **settings)
        return mailbox

    yield start
    for controller in started:
        controller.stop()
    app.extensions["mailman"] = before


def connect(app: Flask, monkeypatch: pytest.MonkeyPatch, **settings: Any) -> None:
    values = {"MAIL_SERVER": "localhost", "MAIL_USE_TLS": 0, "MAIL_BACKEND": "webapp.members.mails.EmailBackend"}
    for name, value in (values | settings).items():
        monkeypatch.setitem(app.config, name, value)
    mail.init_app(app)


def certificate(folder: Path) -> tuple[Path, Path]:
    """A certificate for localhost that nobody but its maker believes."""
    if not shutil.which("openssl"):
        required("there is no openssl to make a certificate with")
    key, cert = folder / "key.pem", folder / "cert.pem"
    command = (
        "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -addext subjectAltName=DNS:localhost"
    )
    subprocess.run([*command.split(), "-keyout", key, "-out", cert], check=True, capture_output=True)
    return key, cert


def test_server_takes_the_mail_with_both_its_parts(smtp: Callable[..., Mailbox], visitor: Browser) -> None:
    mailbox = smtp()
    member("Ada", email="ada@example.org", username="ada")

    visitor.send("/account/forgotten", email="ada@example.org")

    [(sender, recipients, message)] = mailbox.taken
    assert sender == "larder@localhost"
    assert recipients == ["ada@example.org"]
    assert message["Subject"] == "Reset your password · Larder"
    assert message["To"] == "ada@example.org"
    assert message["Message-ID"]
    assert message["Date"]
    parts = {part.get_content_type(): part.get_content() for part in message.walk() if not part.is_multipart()}  # type: ignore[attr-defined]
    assert set(parts) == {"text/plain", "text/html"}
    [link] = [line for line in parts["text/plain"].splitlines() if line.startswith("http://localhost/account/reset/")]
    assert link in parts["text/html"]
    assert visitor.get(link.removeprefix("http://localhost")).status_code == 200


def test_server_that_wants_a_password_gets_it_after_encryption(
    smtp: Callable[..., Mailbox], visitor: Browser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key, cert = certificate(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    monkeypatch.setattr(ssl, "create_default_context", lambda: trusting(cert))
    seen: list[LoginPassword] = []

    def authenticate(server: Any, session: Any, envelope: Any, mechanism: str, data: LoginPassword) -> AuthResult:
        seen.append(data)
        return AuthResult(success=True)

    mailbox = smtp(
        {"tls_context": context, "require_starttls": True, "authenticator": authenticate, "auth_required": True},
        MAIL_USE_TLS=1,
        MAIL_USERNAME="larder",
        MAIL_PASSWORD="a secret",
    )
    member("Ada")

    visitor.send("/account/forgotten", email="ada@example.org")

    assert len(mailbox.taken) == 1
    assert mailbox.encrypted == [True]
    assert [(each.login, each.password) for each in seen] == [(b"larder", b"a secret")]


def trusting(cert: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(cert)
    return context


def test_server_with_a_certificate_that_nobody_vouches_for_gets_nothing(
    smtp: Callable[..., Mailbox], visitor: Browser, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    key, cert = certificate(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    mailbox = smtp({"tls_context": context}, MAIL_USE_TLS=1)
    member("Ada")

    response = visitor.send("/account/forgotten", email="ada@example.org")

    assert response.status_code == 200
    assert mailbox.taken == []
    assert "could not send mail reset: SSLCertVerificationError" in caplog.text


def test_server_that_is_away_is_logged_and_the_answer_is_the_same(
    app: Flask, visitor: Browser, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    before = app.extensions["mailman"]
    connect(app, monkeypatch, MAIL_PORT=free_port())
    member("Ada")

    response = visitor.send("/account/forgotten", email="ada@example.org")

    app.extensions["mailman"] = before
    assert response.status_code == 200
    [line] = [record.getMessage() for record in caplog.records if record.levelname == "ERROR"]
    assert line.startswith("could not send mail reset: ConnectionRefusedError")
    assert "ada@example.org" not in line
    assert AuditEvent.objects.get().description == "A password reset link could not be sent."


class Busy(Mailbox):
    """A server that answers a few times with one of SMTP's codes before it takes a mail."""

    def __init__(self, answer: str, times: int) -> None:
        super().__init__()
        self.answer, self.times = answer, times

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's name
        self.times -= 1
        return self.answer if self.times >= 0 else await super().handle_DATA(server, session, envelope)


@pytest.mark.parametrize(
    ("answer", "times", "taken", "left"),
    [("451 later", 2, 1, -1), ("451 later", 9, 0, 6), ("550 no such mailbox", 9, 0, 8)],
    ids=["twice busy", "always busy", "final"],
)
def test_mail_is_tried_three_times_unless_the_refusal_is_final(
    app: Flask,
    smtp: Callable[..., Mailbox],
    visitor: Browser,
    monkeypatch: pytest.MonkeyPatch,
    answer: str,
    times: int,
    taken: int,
    left: int,
) -> None:
    busy = Busy(answer, times)
    smtp(mailbox=busy)
    monkeypatch.setattr(mails, "PAUSES_S", (0, 0))
    member("Ada")

    with ThreadPoolExecutor(1) as threads:
        monkeypatch.setitem(app.extensions, "mail_threads", threads)
        visitor.send("/account/forgotten", email="ada@example.org")

    assert len(busy.taken) == taken
    assert busy.times == left


@pytest.mark.parametrize(
    ("error", "line", "has_traceback"),
    [
        (AutoReconnect("127.0.0.1:1: closed"), "the database does not answer: 127.0.0.1:1: closed", False),
        (KeyError("name"), None, True),
    ],
    ids=str,
)
def test_mail_that_could_not_be_made_is_logged_with_a_traceback_where_that_helps(
    app: Flask, caplog: pytest.LogCaptureFixture, error: Exception, line: str | None, *, has_traceback: bool
) -> None:
    def fail() -> None:
        raise error

    mails.later(fail)

    (record,) = caplog.records
    assert record.getMessage() == "could not create an email" + (f": {line}" if line else "")
    assert (record.levelname, bool(record.exc_info)) == ("ERROR", has_traceback)


def test_pauses_between_tries_are_shorter_than_the_time_a_process_has_to_end_in() -> None:
    assert sum(mails.PAUSES_S) < 10


def test_without_a_server_mails_are_files_and_the_page_says_where(
    app: Flask, visitor: Browser, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    before = app.extensions["mailman"]
    for name, value in {
        "MAIL_BACKEND": "webapp.members.mails.PrivateFileEmailBackend",
        "MAIL_DIR": str(tmp_path),
        "MAIL_FILE_PATH": str(tmp_path),
    }.items():
        monkeypatch.setitem(app.config, name, value)
    mail.init_app(app)
    member("Ada")

    page = page_of(visitor.send("/account/forgotten", email="ada@example.org"))

    app.extensions["mailman"] = before
    assert words(one(page, ".banner code")) == str(tmp_path)
    [file] = tmp_path.iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    text = file.read_text()
    assert "To: ada@example.org" in text
    assert "http://localhost/account/reset/" in text


@pytest.fixture
def wide_umask() -> Iterator[None]:
    before = os.umask(0o022)
    yield
    os.umask(before)


@pytest.mark.usefixtures("wide_umask")
def test_folder_of_mails_is_its_owners_alone_even_if_it_was_open_before(tmp_path: Path) -> None:
    open_before, new = tmp_path / "before", tmp_path / "new"
    open_before.mkdir()
    old_mail, other_file = open_before / "20261120-101500-123456.log", open_before / "notes.txt"
    old_mail.write_text("a link")
    other_file.write_text("of somebody")

    for folder in (open_before, new):
        site = Flask(__name__)
        site.config.from_object(type("Settings", (DevelopmentConfig,), {"MAIL_DIR": str(folder)}))
        mails.init_app(site)

    modes = {path: oct(stat.S_IMODE(path.stat().st_mode)) for path in (new, old_mail, other_file, open_before)}
    assert modes == {new: "0o700", old_mail: "0o600", other_file: "0o644", open_before: "0o755"}


def test_development_writes_mails_to_the_folder_beside_the_data() -> None:
    assert Path(TestingConfig.MAIL_DIR).parts[-2:] == ("var", "mail")
    assert TestingConfig.MAIL_SERVER == ""


# Every form that sends a mail, by who fills it in.
MAILING = {
    "/account/forgotten": {"email": "ada@example.org"},
    "/account/email": {"email": "eve@example.org", "password": PASSWORD},
    "/account/password": {"password": PASSWORD, "new_password": ANOTHER},
    "/manage/mine/maintainers": {"email": "eve@example.org", "role": "maintainer"},
    "/admin/users/new": {"name": "Eve", "email": "eve@example.org"},
}


def ada_with_a_project(app: Flask, **environ: str) -> Browser:
    member("Ada", is_admin=True)
    ada = browser(app)
    ada.environ_base |= environ
    assert ada.sign_in("ada@example.org").status_code == 302
    factories.package("Mine", maintainers=[Maintainer(user_id=User.objects.get().id, name="Ada", role="owner")])
    return ada


@pytest.mark.parametrize("site_url", ["", "https://packages.example.org/"])
@pytest.mark.parametrize("path", MAILING)
def test_forged_host_does_not_get_into_a_mail(
    app: Flask, monkeypatch: pytest.MonkeyPatch, path: str, site_url: str
) -> None:
    monkeypatch.setitem(app.config, "SITE_URL", site_url)
    ada = ada_with_a_project(app, HTTP_HOST="evil.example", HTTP_X_FORWARDED_HOST="evil.example")

    response = ada.send(path, **MAILING[path])

    assert response.status_code < 400
    mails_sent = outbox(app)
    assert mails_sent
    for sent in mails_sent:
        html = str(sent.alternatives[0][0])
        links_sent = re.findall(r"https?://[^\s\"<]+", sent.body + html)
        assert links_sent
        assert {urlsplit(link).netloc for link in links_sent} == {urlsplit(site_url).netloc or "localhost"}


@pytest.mark.parametrize("path", MAILING)
def test_site_that_does_not_know_its_address_sends_no_link(
    app: Flask, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    ada = ada_with_a_project(app)
    monkeypatch.setitem(app.config, "LOOPBACK_URL", "")

    response = ada.send(path, **MAILING[path])

    assert [sent.subject for sent in outbox(app) if "http" in sent.body] == []
    if path in ("/account/forgotten", "/account/email", "/manage/mine/maintainers"):
        assert errors(response) == {"email": mails.NONE_SENT}
    elif path == "/account/password":
        assert "contact the administrators of the site" in outbox(app)[0].body
    else:
        assert "no email could be sent" in words(one(page_of(ada.get(response.location)), ".banner"))


PRODUCTION: dict[str, Any] = {
    "HTTPS_ONLY": 1,
    "SITE_URL": "https://packages.example.org",
    "MAIL_SERVER": "mail.example.org",
}


@pytest.mark.parametrize("setting", ["SITE_URL", "MAIL_SERVER"])
@pytest.mark.parametrize("path", ["/account/forgotten", "/account/email"])
def test_site_in_production_that_cannot_send_links_says_so(
    app: Flask, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, path: str, setting: str
) -> None:
    visitor = signed_in(app)
    fields = visitor.hidden_fields(path) | {"email": "another@example.org", "password": PASSWORD}
    for name, value in (PRODUCTION | {setting: "", "LOOPBACK_URL": ""}).items():
        monkeypatch.setitem(app.config, name, value)

    response = visitor.post(path, data=fields)

    assert errors(response) == {"email": mails.NONE_SENT}
    assert app.extensions["mailman"].outbox == []
    assert f"{setting} is not set" in caplog.text
    assert "var" not in words(one(page_of(response, 400), "main"))


def test_operator_is_told_at_the_start_what_keeps_a_site_from_sending_links(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert mails.missing_settings() == []

    for name, value in (PRODUCTION | {"LOOPBACK_URL": ""}).items():
        monkeypatch.setitem(app.config, name, value)
    assert mails.missing_settings() == []

    for name in ("SITE_URL", "MAIL_SERVER"):
        monkeypatch.setitem(app.config, name, "")
    assert [reason.split(" is ")[0] for reason in mails.missing_settings()] == ["SITE_URL", "MAIL_SERVER"]


def test_mailbox_that_got_many_mails_gets_no_other_and_the_member_is_told(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(app.config, "MAIL_LIMIT", "1/hour")
    browser(app).send("/account/forgotten", email="another@example.org")
    visitor = signed_in(app)
    visitor.environ_base["REMOTE_ADDR"] = "192.0.2.9"

    response = visitor.send("/account/email", email="Another@example.org", password=PASSWORD)

    assert errors(response) == {"email": "Too many emails were sent to this address. Try again later."}
    assert outbox(app) == []
