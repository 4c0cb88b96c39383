"""Forms for accounts."""

from typing import Any

from flask import current_app
from wtforms import BooleanField, EmailField, HiddenField, PasswordField, SelectField, StringField, URLField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import Length, Optional

from webapp.documents.user import fold
from webapp.documents.watcher import AT_ONCE, DAILY, NEVER
from webapp.members import limits, mails, passwords
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
    WithPassword,
    https_url,
    stripped,
    valid_unicode,
    valid_username,
)

# A recovery code has 19 characters; people may add blanks.
MAX_CODE_LENGTH = 50


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


class SecondStepForm(SiteForm):
    """Confirm the second step of signing in, with a code or a passkey."""

    code = StringField(
        "Code",
        [Length(max=MAX_CODE_LENGTH, message="Codes have at most %(max)d characters.")],
        description="Six digits from your authenticator app, or one of your recovery codes.",
    )
    credential = HiddenField()  # filled in by a script
    next = HiddenField()

    def validate(self, extra_validators: Any = None) -> bool:
        """Validate each field; either the code or the passkey has to be there."""
        if not super().validate(extra_validators):
            return False
        if not self.code.data and not self.credential.data:
            self.refuse("code", "Enter a code.")
            return False
        return True


class PasskeySignInForm(SiteForm):
    """Sign in with a passkey alone."""

    credential = HiddenField()  # filled in by a script
    next = HiddenField()


class ConfirmationForm(SiteForm):
    """Confirm that it is you: with the password, and a code if the account has a second factor; or with a passkey."""

    password = PasswordField("Password", [Length(max=passwords.MAX_LENGTH)])
    code = StringField(
        "Code",
        [Length(max=MAX_CODE_LENGTH, message="Codes have at most %(max)d characters.")],
        description="Six digits from your authenticator app, or one of your recovery codes.",
    )
    credential = HiddenField()  # filled in by a script
    next = HiddenField()


class AppForm(SiteForm):
    """Add an authenticator app."""

    name = StringField(
        "Name", [Needed(), *NAME], [stripped], description="Helps you recognize it later, such as “phone”."
    )
    code = StringField(
        "Code", [Needed(), Length(max=MAX_CODE_LENGTH)], description="The six digits that the app shows."
    )


class PasskeyForm(SiteForm):
    """Add a passkey or security key."""

    name = StringField(
        "Name", [Needed(), *NAME], [stripped], description="Helps you recognize it later, such as “laptop”."
    )
    credential = HiddenField()  # filled in by a script


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


class EmailForm(WithPassword):
    """Change the email address."""

    email = EmailField(
        "New email address", EMAIL, [stripped], description="We send a confirmation link to this address."
    )


class ForgottenForm(SiteForm):
    """Request a password reset link."""

    email = EmailField("Email address", EMAIL, [stripped])


class NewPasswordForm(WithNewPassword):
    """Set a password from an emailed link."""

    password = PasswordField("New password", NEW_PASSWORD, description="At least 8 characters; spaces are allowed.")


class WatchForm(SiteForm):
    """Watch a project."""

    project = StringField("Project", [Needed(), Length(max=200, message="Use at most %(max)d characters.")], [stripped])


class WatchMailForm(SiteForm):
    """Choose when news about watched projects are mailed."""

    mail = SelectField(
        "Send mail",
        [Needed()],
        choices=[
            SelectChoice(NEVER, "Never"),
            SelectChoice(AT_ONCE, "At once"),
            SelectChoice(DAILY, "At most once a day"),
        ],
    )


class DeletionForm(WithPassword):
    """Delete the account."""


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
