"""Validators and base classes shared by all forms."""

from typing import Any
from urllib.parse import urlsplit

from flask import request
from flask_wtf import FlaskForm
from werkzeug.datastructures import MultiDict
from wtforms import Field, PasswordField
from wtforms.validators import Email, InputRequired, Length, StopValidation, ValidationError

from webapp.documents.user import USERNAME
from webapp.members import local_sign_in, passwords
from webapp.members.sessions import signed_in_user
from webapp.rules.texts import is_encodable
from webapp.serving.filters import safe_link

MAX_NAME_LENGTH = 100
# RFC 5321, section 4.5.3.1.3.
MAX_EMAIL_LENGTH = 254
MAX_URL_LENGTH = 500
NO_EMAIL = "Enter a valid email address, such as ada@example.org."


def stripped(text: str | None) -> str | None:
    """Strip surrounding white space from a field's text. Not for passwords."""
    return text.strip() if isinstance(text, str) else text


def one_line(_: FlaskForm, field: Field) -> None:
    """Reject line breaks and other unprintable characters."""
    if field.data and not field.data.isprintable():
        raise ValidationError("Remove line breaks and invisible characters.")


def https_url(_: FlaskForm, field: Field) -> None:
    """Reject anything but an https:// URL."""
    if not safe_link(field.data) or urlsplit(field.data).scheme != "https":
        raise ValidationError("Enter an address that starts with https://.")


def valid_unicode(_: FlaskForm, field: Field) -> None:
    """Reject lone surrogates, which JSON can carry but UTF-8 cannot encode."""
    if not is_encodable(field.data or ""):
        raise ValidationError("This text contains invalid characters.")


def valid_username(_: FlaskForm, field: Field) -> None:
    """Reject usernames that do not fit in a URL or look like an ID. An existing username may stay."""
    if field.data != field.object_data and not USERNAME.match(field.data or ""):
        raise ValidationError(
            "Use 1 to 50 letters, digits, dots, dashes or underscores, starting and ending with a letter or digit. A "
            "username cannot look like an ID: only digits, or 24 digits and letters from a to f."
        )


class Needed(InputRequired):
    """Require a value that is not empty after stripping, and mark the input as `required` in HTML."""

    def __init__(self) -> None:
        super().__init__("This field is required.")

    def __call__(self, form: FlaskForm, field: Field) -> None:
        """Check a field. Raises StopValidation."""
        super().__call__(form, field)
        if not field.data:
            field.errors = []
            raise StopValidation(self.message)


class EmailAddress(Email):
    """Check the syntax of an email address, not whether it exists."""

    def __init__(self) -> None:
        super().__init__(NO_EMAIL, check_deliverability=False)


EMAIL = [
    Needed(),
    Length(max=MAX_EMAIL_LENGTH, message="Use at most %(max)d characters."),
    EmailAddress(),
]
NAME = [Length(max=MAX_NAME_LENGTH, message="Use at most %(max)d characters."), one_line]
# Forms that set a password have always had this limit, so no stored password is longer.
OLD_PASSWORD = [
    Needed(),
    Length(max=passwords.MAX_LENGTH, message="Passwords have at most %(max)d characters."),
]
NEW_PASSWORD = [
    Needed(),
    valid_unicode,
    Length(passwords.MIN_LENGTH, passwords.MAX_LENGTH, message="Use %(min)d to %(max)d characters."),
]


class SiteForm(FlaskForm):
    """The base class of the site's forms."""

    class Meta(FlaskForm.Meta):
        """How a form is read."""

        def wrap_formdata(self, _: FlaskForm, formdata: Any) -> Any:
            """Read only form fields. Flask-WTF also accepts files and JSON, whose values may be of any type."""
            return formdata if formdata is None or isinstance(formdata, MultiDict) else request.form or None

    def refuse(self, field_name: str, message: str) -> None:
        """Add an error message to a field."""
        field = self[field_name]
        field.errors = [*field.errors, message]


class WithPassword(SiteForm):
    """A form that asks members for their password, if they have one; the others confirmed before that it is them."""

    password = PasswordField("Your password", OLD_PASSWORD)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        user = signed_in_user()
        if user is not None and not local_sign_in.has_password(user):
            del self.password


class WithNewPassword(SiteForm):
    """A form that sets a new password, which must not resemble the user's own details."""

    NEW = "password"  # the field of the new password

    def validate(self, extra_validators: Any = None) -> bool:
        """Validate each field, then the strength of the password, which is slow and pointless for an invalid form."""
        if not super().validate(extra_validators):
            return False
        # The other fields of the form are the first guesses of an attacker.
        texts = [field.data for field in self if field.name in ("name", "email", "username")]
        return self.is_strong([text for text in texts if isinstance(text, str)])

    def is_strong(self, known_words: list[str]) -> bool:
        """Return whether the new password is strong enough, given the user's own words; add an error if not."""
        if self.NEW not in self:
            return True
        reason = passwords.weakness(self[self.NEW].data, known_words)
        if reason:
            self.refuse(self.NEW, reason)
        return reason is None


class ButtonForm(SiteForm):
    """A form that is only a button; it carries just the CSRF token."""
