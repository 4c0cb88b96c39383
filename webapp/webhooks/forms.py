"""The form for a webhook."""

import ipaddress
from typing import Any
from urllib.parse import urlsplit

from flask import current_app
from wtforms import BooleanField, StringField
from wtforms.validators import Length, ValidationError

from webapp.documents.webhook import KINDS
from webapp.members.forms import MAX_URL_LENGTH, Needed, SiteForm, stripped
from webapp.upstream.bounded import is_private

BAD_URL = "Enter an address that starts with https:// or http://, without a user name."


class WebhookForm(SiteForm):
    """Where to send messages, and about what."""

    url = StringField(
        "Address",
        [Needed(), Length(max=MAX_URL_LENGTH, message="Use at most %(max)d characters.")],
        [stripped],
        description="Receives a POST request with JSON for each event.",
    )
    release = BooleanField("New releases and files")
    yank = BooleanField("Yanked releases")
    deletion = BooleanField("Deleted files, releases and projects")
    status = BooleanField("Changes of the project's status")
    role = BooleanField("Changes of owners and maintainers")
    advisory = BooleanField("Security advisories")

    def chosen(self) -> list[str]:
        """Return the kinds of events that were chosen."""
        return [kind for kind in KINDS if self[kind].data]

    def validate(self, extra_validators: Any = None) -> bool:
        """Validate each field, and that at least one kind was chosen."""
        is_valid = super().validate(extra_validators)
        if is_valid and not self.chosen():
            self.refuse(KINDS[0], "Choose at least one kind of event.")
            return False
        return is_valid

    def validate_url(self, field: StringField) -> None:
        """Reject what cannot be asked, and private addresses that the operator does not allow."""
        try:
            parts = urlsplit(field.data or "")
            host, _ = parts.hostname, parts.port
        except ValueError:
            raise ValidationError(BAD_URL) from None
        text = field.data or ""
        if parts.scheme not in ("http", "https") or not host or "@" in parts.netloc:
            raise ValidationError(BAD_URL)
        if not (text.isascii() and text.isprintable() and " " not in text):
            raise ValidationError("Use ASCII characters without spaces.")
        if _is_private(host) and host.lower() not in current_app.config["PRIVATE_WEBHOOK_HOSTS"]:
            raise ValidationError("This address is private, and WEBHOOK_PRIVATE_HOSTS does not list it.")


def _is_private(host: str) -> bool:
    """Tell whether this is written as a private address. What a name leads to is checked at each delivery."""
    try:
        return is_private(str(ipaddress.ip_address(host)))
    except ValueError:
        return host.lower().rstrip(".") == "localhost"
