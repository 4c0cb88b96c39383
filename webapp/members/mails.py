"""Send mails to members, as text and HTML."""

import logging
import os
import smtplib
import ssl
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, BinaryIO

from flask import Flask, copy_current_request_context, current_app, render_template, url_for
from flask_mailman import EmailMultiAlternatives
from flask_mailman.backends.file import EmailBackend as FileBackend
from flask_mailman.backends.smtp import EmailBackend as SmtpBackend

from config import ROOT, BadConfig, Config
from webapp.mongodb.errors import explained
from webapp.serving.extensions import mail
from webapp.serving.per_app import PerApp

log = logging.getLogger(__name__)

# Pauses before each retry. Together less than the ten seconds in which a process has to end.
PAUSES_S = (1, 5)
NONE_SENT = "This site cannot send email yet. Please contact an administrator."
# The environment variable in which `flask serve` passes its loopback address to the web processes.
LOOPBACK_URL = "LARDER_LOOPBACK_URL"


class VerifiedSMTP(smtplib.SMTP):
    """A connection whose STARTTLS verifies the server's certificate; smtplib accepts any by default."""

    def starttls(self, *, context: ssl.SSLContext | None = None) -> tuple[int, bytes]:  # type: ignore[override]
        """Encrypt the connection. Raises ssl.SSLError if the certificate is not valid for this server."""
        return super().starttls(context=context or ssl.create_default_context())


class EmailBackend(SmtpBackend):
    """Flask-Mailman's SMTP backend, with verified certificates."""

    @property
    def connection_class(self) -> type[smtplib.SMTP]:
        """The class that opens a connection."""
        return smtplib.SMTP_SSL if self.use_ssl else VerifiedSMTP


class PrivateFileEmailBackend(FileBackend):
    """Flask-Mailman's file backend, readable only by the owner: a link in a mail is as good as a password."""

    stream: BinaryIO | None

    def open(self) -> bool:
        """Open the file for the next mails, and tell whether it was not open yet."""
        if not self.stream:
            os.close(os.open(self._get_filename(), os.O_WRONLY | os.O_CREAT, 0o600))
        is_new: bool = super().open()
        return is_new


mail_threads = PerApp[ThreadPoolExecutor | None]("mail_threads")


def init_app(app: Flask) -> None:
    """Configure the mail server, or the folder for mails. Raises BadConfig."""
    if app.config["MAIL_USE_TLS"] and app.config["MAIL_USE_SSL"]:
        raise BadConfig("MAIL_USE_TLS and MAIL_USE_SSL cannot both be 1")
    app.config["LOOPBACK_URL"] = os.environ.get(LOOPBACK_URL, "")
    app.config["MAIL_FILE_PATH"] = app.config["MAIL_DIR"]
    if app.config["MAIL_SERVER"]:
        app.config["MAIL_BACKEND"] = "webapp.members.mails.EmailBackend"
    elif not app.testing:
        app.config["MAIL_BACKEND"] = "webapp.members.mails.PrivateFileEmailBackend"
        _make_private(Path(app.config["MAIL_DIR"]))
    threads = app.config["MAIL_THREADS"]
    mail_threads.set(app, ThreadPoolExecutor(threads, "mail") if threads else None)
    mail.init_app(app)
    app.jinja_env.globals["folder_of_mails"] = folder_of_mails


def _make_private(folder: Path) -> None:
    """Create the folder for mails, and make files of earlier versions private. Raises BadConfig.

    The folder's own mode is only changed if it is Larder's default, because MAIL_DIR may be shared with others.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if folder == Path(Config.MAIL_DIR):
            folder.chmod(0o700)
        for path in folder.glob("[0-9]*-[0-9]*-[0-9]*.log"):
            path.chmod(0o600)
    except OSError as error:
        raise BadConfig(f"cannot use MAIL_DIR: {error}") from None


def are_configured() -> bool:
    """Tell whether this site sends mails. If so, addresses have to be confirmed."""
    return bool(current_app.config["MAIL_SERVER"])


def missing_settings() -> list[str]:
    """Return why the site cannot send links, one sentence per setting."""
    config, reasons = current_app.config, []
    if not _base_of_links():
        reasons.append("SITE_URL is not set: emails with links are not sent, because a Host header can be forged.")
    if config["HTTPS_ONLY"] and not config["MAIL_SERVER"]:
        reasons.append("MAIL_SERVER is not set: emails are not delivered.")
    return reasons


def can_send_links() -> bool:
    """Tell whether links can be sent, so that members do not wait in vain; if not, log why."""
    reasons = missing_settings()
    for reason in reasons:
        log.error("a requested email was not sent: %s", reason)
    return not reasons


def link_to(endpoint: str, **values: Any) -> str:
    """Return the absolute address of a page for a mail, or an empty string if the site does not know its own address.

    It starts with SITE_URL or, without one, with the loopback address that the site listens on, but never with the host
    of the request, which its sender chooses.
    """
    base = _base_of_links()
    return base + url_for(endpoint, **values) if base else ""


def later(act: Callable[[], object]) -> None:
    """Run a function in the background: the time to look somebody up and send a mail would reveal that they exist."""
    threads = mail_threads()
    if threads is None:
        _logging_failures(act)
    else:
        threads.submit(copy_current_request_context(lambda: _logging_failures(act)))


def send(template: str, to: str, subject: str, **context: Any) -> bool:
    """Send the mail templates/mail/<template>.txt and .html to one address; False if the server did not accept it.

    With background threads it is tried three times. To survive longer outages, use a local mail server as a queue.
    """
    context |= {"subject": subject, "to": to}
    message = EmailMultiAlternatives(
        f"{subject} · {current_app.config['SITE_NAME']}",
        render_template(f"mail/{template}.txt", **context),
        to=[to],
    )
    message.attach_alternative(render_template(f"mail/{template}.html", **context), "text/html")
    pauses = list(PAUSES_S) if mail_threads() else []
    while True:
        try:
            # A new connection for each try: one whose encryption failed must not be reused.
            with mail.get_connection() as connection:
                connection.send_messages([message])
        except OSError as error:  # smtplib's own errors are OSErrors too
            reason = f"{type(error).__name__}: {str(error)[:200]}"
            if not pauses or _is_final(error):
                log.error("could not send mail %s: %s", template, reason)
                return False
            log.warning("could not send mail %s, retrying in %d s: %s", template, pauses[0], reason)
            time.sleep(pauses.pop(0))
        else:
            log.info("mail %s sent", template)
            return True


def folder_of_mails() -> str:
    """Return the folder where mails are written in development, or an empty string if they are sent."""
    is_development = not current_app.config["MAIL_SERVER"] and not current_app.config["HTTPS_ONLY"]
    folder = Path(current_app.config["MAIL_DIR"])
    return str(folder.relative_to(ROOT) if folder.is_relative_to(ROOT) else folder) if is_development else ""


def _base_of_links() -> str:
    base: str = current_app.config["SITE_URL"] or current_app.config["LOOPBACK_URL"]
    return base.rstrip("/")


def _logging_failures(act: Callable[[], object]) -> None:
    try:
        act()
    except Exception as error:
        if reason := explained(error):
            log.error("could not create an email: %s", reason)
        else:
            log.exception("could not create an email")


def _is_final(error: OSError) -> bool:
    """Tell whether a retry would fail again: SMTP codes from 500 on, and invalid certificates."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return any(code >= 500 for code, _ in error.recipients.values())
    if isinstance(error, smtplib.SMTPResponseException):
        return error.smtp_code >= 500
    return isinstance(error, ssl.SSLCertVerificationError)
