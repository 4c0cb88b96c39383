"""Forms for administrators."""

from urllib.parse import quote

from flask import current_app
from werkzeug.exceptions import HTTPException
from wtforms import EmailField, HiddenField, SelectField, StringField, SubmitField, TextAreaField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import Length, Regexp, ValidationError

from webapp.documents import Page
from webapp.documents.package import ROLES
from webapp.members.forms import EMAIL, NAME, Needed, SiteForm, one_line, stripped

MAX_CONTENT_LENGTH = 200_000
MAX_REASON_LENGTH = 300


def not_a_page_of_the_site(_: SiteForm, field: StringField) -> None:
    """Reject a path that the site already uses: the page would never be shown."""
    addresses = current_app.url_map.bind("")
    for path in (f"/{quote(field.data or '')}", f"/{quote(field.data or '')}/"):
        try:
            endpoint, _values = addresses.match(path, method="GET")
        except HTTPException:
            continue
        if endpoint != "pages.page":
            raise ValidationError("The site already uses this path.")


class PageForm(SiteForm):
    """A content page."""

    title = StringField("Title", [Needed(), Length(max=Page.title.max_length), one_line], [stripped])
    content = TextAreaField(
        "Text",
        [Needed(), Length(max=MAX_CONTENT_LENGTH, message="Use at most %(max)d characters.")],
        description="Markdown is supported.",
        id="page-text",  # the page itself has an element with the id "content"
    )
    read_version = HiddenField()  # when the page was last changed before it was loaded into this form
    preview = SubmitField("Preview")


class NewPageForm(PageForm):
    """A new content page."""

    path = StringField(
        "Path",
        [
            Needed(),
            Length(max=Page.path.max_length),
            Regexp(
                Page.path.regex, message="Use lowercase letters, digits, dashes and underscores, with / between parts."
            ),
            not_a_page_of_the_site,
        ],
        [stripped],
        description="For example, company/history.",
    )


class NewUserForm(SiteForm):
    """Create an account for someone who will choose the password."""

    name = StringField("Name", [Needed(), *NAME], [stripped])
    email = EmailField(
        "Email address", EMAIL, [stripped], description="We send a link to choose a password to this address."
    )


class MaintainerForm(SiteForm):
    """Add a maintainer to a package."""

    user = StringField("Email, username or ID of the user", [Needed(), Length(max=254)], [stripped])
    role = SelectField("Role", choices=[SelectChoice(role, role) for role in reversed(ROLES)])


class QuarantineForm(SiteForm):
    """Quarantine a project, with a reason."""

    reason = StringField(
        "Reason",
        [Needed(), Length(max=MAX_REASON_LENGTH, message="Use at most %(max)d characters."), one_line],
        [stripped],
        description="Shown to everyone, and to those who try to upload.",
    )
