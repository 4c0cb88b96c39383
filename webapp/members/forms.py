"""What all forms share: fields that members fill in, and what is wrong with what they typed."""

from typing import Any
from urllib.parse import urlsplit

from flask import request
from flask_wtf import FlaskForm
from werkzeug.datastructures import MultiDict
from wtforms import Field
from wtforms.validators import Email, InputRequired, Length, StopValidation, ValidationError

from webapp.documents.user import USERNAME
from webapp.members import passwords
from webapp.serving.filters import safe_link

MAX_NAME_LENGTH = 100
# RFC 5321, section 4.5.3.1.3.
MAX_EMAIL_LENGTH = 254
MAX_URL_LENGTH = 500
NO_EMAIL = "Enter a valid email address, such as ada@example.org."


def stripped(text: str | None) -> str | None:
    """Return text without the white space around it; not for passwords."""
    return text.strip() if isinstance(text, str) else text


def one_line(_: FlaskForm, field: Field) -> None:
    """Refuse line ends and other characters that nobody can see."""
    if field.data and not field.data.isprintable():
        raise ValidationError("Remove line breaks and invisible characters.")


def web_address(_: FlaskForm, field: Field) -> None:
    """Refuse what is no address of a picture on the web."""
    if not safe_link(field.data) or urlsplit(field.data).scheme != "https":
        raise ValidationError("Enter an address that starts with https://.")


def encodable(_: FlaskForm, field: Field) -> None:
    """Refuse half a character, which JSON can hold and nothing else."""
    try:
        (field.data or "").encode()
    except UnicodeEncodeError:
        raise ValidationError("This text contains invalid characters.") from None


def username_of_usual_form(_: FlaskForm, field: Field) -> None:
    """Refuse what cannot be a part of an address, or would be taken for an id; what is there already may stay."""
    if field.data != field.object_data and not USERNAME.match(field.data or ""):
        raise ValidationError(
            "Use 1 to 50 letters, digits, dots, dashes or underscores, starting and ending with a letter or digit. A "
            "username cannot look like an ID: only digits, or 24 digits and letters from a to f."
        )


class Needed(InputRequired):
    """Something must be there, also after the white space around it is gone; HTML says so too."""

    def __init__(self) -> None:
        super().__init__("This field is required.")

    def __call__(self, form: FlaskForm, field: Field) -> None:
        """Check a field. Raises StopValidation."""
        super().__call__(form, field)
        if not field.data:
            field.errors = []
            raise StopValidation(self.message)


class EmailAddress(Email):
    """An address of the usual form. Whether it exists, only a mail can tell."""

    def __init__(self) -> None:
        super().__init__(NO_EMAIL, check_deliverability=False)


EMAIL = [
    Needed(),
    Length(max=MAX_EMAIL_LENGTH, message="Use at most %(max)d characters."),
    EmailAddress(),
]
NAME = [Length(max=MAX_NAME_LENGTH, message="Use at most %(max)d characters."), one_line]
# Before passwords were limited, nobody could have a longer one either.
OLD_PASSWORD = [
    Needed(),
    Length(max=passwords.MAX_LENGTH, message="Passwords have at most %(max)d characters."),
]
NEW_PASSWORD = [
    Needed(),
    encodable,
    Length(passwords.MIN_LENGTH, passwords.MAX_LENGTH, message="Use %(min)d to %(max)d characters."),
]


class SiteForm(FlaskForm):
    """What the site's forms share."""

    class Meta(FlaskForm.Meta):
        """How a form is read."""

        def wrap_formdata(self, _: FlaskForm, formdata: Any) -> Any:
            """Read the texts that a browser sent. Flask-WTF would take files and JSON, too: values of any type."""
            return formdata if formdata is None or isinstance(formdata, MultiDict) else request.form or None

    def refuse(self, field_name: str, message: str) -> None:
        """Say beside a field what is wrong with it."""
        field = self[field_name]
        field.errors = [*field.errors, message]


class WithNewPassword(SiteForm):
    """A form with a new password, which its owner's own words must not be."""

    NEW = "password"  # the field of the new password

    def validate(self, extra_validators: Any = None) -> bool:
        """Check each field; then whether the new password is too weak, which is worth its time only for a whole one."""
        if not super().validate(extra_validators):
            return False
        # What an attacker would try first is whatever else stands in the form.
        texts = [field.data for field in self if field.name in ("name", "email", "username")]
        return self.is_strong([text for text in texts if isinstance(text, str)])

    def is_strong(self, known_words: list[str]) -> bool:
        """Tell whether the new password is strong enough for somebody whose words these are; say beside it if not."""
        if self.NEW not in self:
            return True
        reason = passwords.weakness(self[self.NEW].data, known_words)
        if reason:
            self.refuse(self.NEW, reason)
        return reason is None


class NothingForm(SiteForm):
    """A button: only its token matters."""
