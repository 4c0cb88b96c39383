"""The forms of accounts."""

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
    encodable,
    stripped,
    username_of_usual_form,
    web_address,
)
from webapp.rules.naming import InvalidName, normalize_name


class RegistrationForm(WithNewPassword):
    """A new account."""

    name = StringField("Name", [Needed(), *NAME], [stripped], description="The name that others see.")
    email = EmailField("E-mail address", EMAIL, [stripped], description="Others do not see it.")
    password = PasswordField(
        "Password", NEW_PASSWORD, description="At least 8 characters; a few words are good, and spaces count."
    )
    next = HiddenField()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if mails.are_configured():
            # It is chosen where the link in the mail leads, by whoever reads that mailbox.
            del self.password


class SignInForm(SiteForm):
    """Who somebody is."""

    email = StringField("E-mail address or username", [Needed(), Length(max=MAX_EMAIL_LENGTH)], [stripped])
    password = PasswordField("Password", OLD_PASSWORD)
    remember = BooleanField("Stay signed in on this device")
    next = HiddenField()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.remember.label.text += f" for {limits.spoken(current_app.config['REMEMBER_S'])}"


class ProfileForm(SiteForm):
    """What others see of a member."""

    name = StringField("Name", [Needed(), *NAME], [stripped])
    username = StringField(
        "Username",
        [Optional(), username_of_usual_form],
        [stripped],
        description="Signs you in like your e-mail address, and stands in the address of your public profile.",
    )
    profile_image_url = URLField(
        "Address of a picture",
        [Optional(), Length(max=MAX_URL_LENGTH, message="At most %(max)d characters, please."), web_address],
        [stripped],
        description="Your profile links to it. It begins with https://.",
    )


class PasswordForm(WithNewPassword):
    """Another password for somebody who knows the present one."""

    NEW = "new_password"

    password = PasswordField("Present password", OLD_PASSWORD)
    new_password = PasswordField("New password", NEW_PASSWORD, description="At least 8 characters; spaces count.")
    revoke_tokens = BooleanField("Revoke all my API tokens, too")


class EmailForm(SiteForm):
    """Another address."""

    email = EmailField("New e-mail address", EMAIL, [stripped], description="Open the link that we send there.")
    password = PasswordField("Password", OLD_PASSWORD)


class ForgottenForm(SiteForm):
    """Where to send a link to a new password."""

    email = EmailField("E-mail address", EMAIL, [stripped])


class NewPasswordForm(WithNewPassword):
    """A password for somebody who has the link."""

    password = PasswordField("New password", NEW_PASSWORD, description="At least 8 characters; spaces count.")


def project_name(_: FlaskForm, field: Field) -> None:
    """Refuse what is no name of a project; the project itself may come later."""
    try:
        field.data = normalize_name(field.data)
    except InvalidName:
        raise ValidationError("This is no name of a project: letters, digits, and . - _ between them.") from None


class TokenForm(SiteForm):
    """A token for a program."""

    LIFETIMES = (("30", "30 days"), ("90", "90 days"), ("365", "a year"), ("", "until it is revoked"))
    PURPOSES = (("upload", "upload"), ("read", "install"), ("upload read", "upload and install"))

    name = StringField("What it is for", [Needed(), *NAME], [stripped], description="So that you know it again.")
    project = StringField(
        "Only for this project",
        [Optional(), project_name],
        [stripped],
        description="It need not be there yet: the first upload makes it. Left empty, it is for all that you may do.",
    )
    purpose = SelectField("It may", choices=[SelectChoice(*each) for each in PURPOSES])
    lifetime = SelectField("It is valid for", choices=[SelectChoice(*each) for each in LIFETIMES], default="365")
    password = PasswordField("Your password", OLD_PASSWORD)


class DeletionForm(SiteForm):
    """The end of an account."""

    password = PasswordField("Password", OLD_PASSWORD)


class SignupForm(WithNewPassword):
    """A new account that a program asks for, in JSON: no token, because no browser sends such a request by itself."""

    class Meta:
        """Settings of WTForms."""

        csrf = False

    username = StringField("username", [Needed(), username_of_usual_form])
    password = PasswordField("password", NEW_PASSWORD)
    email = StringField("email", [Optional(), encodable, *EMAIL[1:]], [stripped])
    name = StringField("name", [Optional(), *NAME], [stripped])


def is_same_address(one: str | None, other: str | None) -> bool:
    """Tell whether two addresses are the same, in whatever case they are written."""
    return fold(one or "") == fold(other or "")
