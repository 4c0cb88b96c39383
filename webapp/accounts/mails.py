"""The mails that members get, as text and as HTML, and how they leave."""

import logging
import smtplib
import ssl
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from flask import Flask, copy_current_request_context, current_app, render_template
from flask_mailman import EmailMultiAlternatives
from flask_mailman.backends.smtp import EmailBackend as SmtpBackend

from config import ROOT, BadConfig
from webapp.extensions import mail

log = logging.getLogger(__name__)


class VerifiedSMTP(smtplib.SMTP):
    """A connection whose STARTTLS checks the server's certificate; smtplib's own takes any."""

    def starttls(self, *, context: ssl.SSLContext | None = None) -> tuple[int, bytes]:  # type: ignore[override]
        """Encrypt the connection. Raises ssl.SSLError when the certificate is not for this server."""
        return super().starttls(context=context or ssl.create_default_context())


class EmailBackend(SmtpBackend):
    """Flask-Mailman's SMTP, with certificates checked."""

    @property
    def connection_class(self) -> type[smtplib.SMTP]:
        """What opens a connection."""
        return smtplib.SMTP_SSL if self.use_ssl else VerifiedSMTP


def init_app(app: Flask) -> None:
    """Bind the mails to their server, or to the folder in which they are written. Raises BadConfig."""
    if app.config["MAIL_USE_TLS"] and app.config["MAIL_USE_SSL"]:
        raise BadConfig("MAIL_USE_TLS and MAIL_USE_SSL are both 1; a mail is encrypted in one way")
    app.config["MAIL_FILE_PATH"] = app.config["MAIL_DIR"]
    if app.config["MAIL_SERVER"]:
        app.config["MAIL_BACKEND"] = "webapp.accounts.mails.EmailBackend"
    elif not app.testing:
        app.config["MAIL_BACKEND"] = "file"
    threads = app.config["MAIL_THREADS"]
    app.extensions["mail_threads"] = ThreadPoolExecutor(threads, "mail") if threads else None
    mail.init_app(app)
    app.jinja_env.globals["folder_of_mails"] = folder_of_mails
    if app.config["HTTPS_ONLY"] and not app.config["SITE_URL"]:
        log.warning("SITE_URL is not set: mails with links are not sent, because a request's own host can be forged")
    if app.config["HTTPS_ONLY"] and not app.config["MAIL_SERVER"]:
        log.warning("MAIL_SERVER is not set: mails are written to %s", app.config["MAIL_DIR"])


def later(act: Callable[[], None]) -> None:
    """Do something after the answer: looking somebody up and sending a mail would tell by its time that they exist."""
    threads: ThreadPoolExecutor | None = current_app.extensions["mail_threads"]
    if threads is None:
        _logging_failures(act)
    else:
        threads.submit(copy_current_request_context(lambda: _logging_failures(act)))


def send(template: str, to: str, subject: str, **context: Any) -> None:
    """Send the mail of templates/mail/<template>.txt and .html to one address.

    Raises OSError when the server does not take it.
    """
    if current_app.config["HTTPS_ONLY"] and not current_app.config["SITE_URL"] and "link" in context:
        log.error("mail %s not sent: SITE_URL is not set", template)
        return
    context |= {"subject": subject, "to": to}
    message = EmailMultiAlternatives(
        f"{subject} · {current_app.config['SITE_NAME']}",
        render_template(f"mail/{template}.txt", **context),
        to=[to],
    )
    message.attach_alternative(render_template(f"mail/{template}.html", **context), "text/html")
    message.send()
    log.info("mail %s sent", template)


def folder_of_mails() -> str:
    """Return where mails are written instead of being sent, which a developer must know; else empty text."""
    is_development = not current_app.config["MAIL_SERVER"] and not current_app.config["HTTPS_ONLY"]
    folder = Path(current_app.config["MAIL_DIR"])
    return str(folder.relative_to(ROOT) if folder.is_relative_to(ROOT) else folder) if is_development else ""


def _logging_failures(act: Callable[[], None]) -> None:
    try:
        act()
    except OSError as error:  # smtplib's own errors are OSErrors too
        log.error("a mail could not be sent: %s: %s", type(error).__name__, str(error)[:200])
    except Exception:
        log.exception("a mail could not be made")
