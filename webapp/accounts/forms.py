"""Forms for accounts."""

from typing import Any

from flask import current_app
from flask_wtf import FlaskForm
from wtforms import BooleanField, EmailField, Field, HiddenField, PasswordField, SelectField, StringField, URLField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import Length, Optional, ValidationError

from webapp.documents.user import fold
from webapp.members import limits, mails
from webapp.members.forms import (
    EMAIL,
    MAX_EMAIL_LENGTH,
    MAX_URL_LENGTH,
    NAME,
    NEW_PASSWORD,
    OLD_PASSWORD,
    Needed,
    SiteForm,
    WithNewPassword,
    https_url,
    stripped,
    valid_unicode,
    valid_username,
)
from webapp.rules.naming import InvalidName, normalize_name


class RegistrationForm(WithNewPassword):
    """Register an account."""

    name = StringField("Name", [Needed(), *NAME], [stripped], description="Shown to other people.")
    email = EmailField("Email address", EMAIL, [stripped], description="Not shown to other people.")
    password = PasswordField(
        "Password",
        NEW_PASSWORD,
        description="At least 8 characters. Several words make a good password; spaces are allowed.",
    )
    next = HiddenField()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if mails.are_configured():
            # The link in the confirmation email leads to the form that sets the password.
            del self.password


class SignInForm(SiteForm):
    """Sign in."""

    email = StringField("Email address or username", [Needed(), Length(max=MAX_EMAIL_LENGTH)], [stripped])
    password = PasswordField("Password", OLD_PASSWORD)
    remember = BooleanField("Stay signed in on this device")
    next = HiddenField()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.remember.label.text += f" for {limits.spoken(current_app.config['REMEMBER_S'])}"


class ProfileForm(SiteForm):
    """Edit the public profile."""

    name = StringField("Name", [Needed(), *NAME], [stripped])
    username = StringField(
        "Username",
        [Optional(), valid_username],
        [stripped],
        description="You can sign in with it, and it is part of the address of your public profile.",
    )
    profile_image_url = URLField(
        "Picture URL",
        [Optional(), Length(max=MAX_URL_LENGTH, message="Use at most %(max)d characters."), https_url],
        [stripped],
        description="Your profile links to it. It must start with https://.",
    )


class PasswordForm(WithNewPassword):
    """Change the password, confirmed by the current one."""

    NEW = "new_password"

    password = PasswordField("Current password", OLD_PASSWORD)
    new_password = PasswordField("New password", NEW_PASSWORD, description="At least 8 characters; spaces are allowed.")
    revoke_tokens = BooleanField("Also revoke all my API tokens")


class EmailForm(SiteForm):
    """Change the email address."""

    email = EmailField(
        "New email address", EMAIL, [stripped], description="We send a confirmation link to this address."
    )
    password = PasswordField("Password", OLD_PASSWORD)


class ForgottenForm(SiteForm):
    """Request a password reset link."""

    email = EmailField("Email address", EMAIL, [stripped])


class NewPasswordForm(WithNewPassword):
    """Set a password from an emailed link."""

    password = PasswordField("New password", NEW_PASSWORD, description="At least 8 characters; spaces are allowed.")


def project_name(_: FlaskForm, field: Field) -> None:
    """Normalize a project name, or reject it. The project need not exist yet."""
    try:
        field.data = normalize_name(field.data)
    except InvalidName:
        raise ValidationError("Enter a valid project name: letters and digits, with . - _ between them.") from None


class TokenForm(SiteForm):
    """Create an API token."""

    LIFETIMES = (("30", "after 30 days"), ("90", "after 90 days"), ("365", "after a year"), ("", "never"))
    PURPOSES = (("upload", "upload"), ("read", "install"), ("upload read", "upload and install"))

    name = StringField("Token name", [Needed(), *NAME], [stripped], description="Helps you recognize the token later.")
    project = StringField(
        "Project",
        [Optional(), project_name],
        [stripped],
        description="A project that the first upload creates may be named too. Leave empty for all your projects.",
    )
    purpose = SelectField("Permissions", choices=[SelectChoice(*each) for each in PURPOSES])
    lifetime = SelectField("Expires", choices=[SelectChoice(*each) for each in LIFETIMES], default="365")
    password = PasswordField("Your password", OLD_PASSWORD)


class DeletionForm(SiteForm):
    """Delete the account."""

    password = PasswordField("Password", OLD_PASSWORD)


class SignupForm(WithNewPassword):
    """Register an account with JSON. It needs no CSRF token: browsers do not send such requests across sites."""

    class Meta:
        """Settings of WTForms."""

        csrf = False

    username = StringField("username", [Needed(), valid_username])
    password = PasswordField("password", NEW_PASSWORD)
    email = StringField("email", [Optional(), valid_unicode, *EMAIL[1:]], [stripped])
    name = StringField("name", [Optional(), *NAME], [stripped])


def is_same_address(one: str | None, other: str | None) -> bool:
    """Return whether two addresses are equal, ignoring case."""
    return fold(one or "") == fold(other or "")
