"""Forms for administrators."""

from urllib.parse import quote

from flask import current_app
from werkzeug.exceptions import HTTPException
from wtforms import BooleanField, EmailField, HiddenField, SelectField, StringField, SubmitField, TextAreaField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import Length, Regexp, ValidationError

from webapp.documents import Page
from webapp.documents.package import ROLES
from webapp.members.forms import EMAIL, NAME, Needed, SiteForm, one_line, stripped

MAX_CONTENT_LENGTH = 200_000
MAX_REASON_LENGTH = 300
# As where owners delete.
MAX_TYPED_LENGTH = 500


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
    in_footer = BooleanField("Link to this page in the footer of every page")
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


def reason(description: str) -> StringField:
    """Return the field for why an administrator does something."""
    length = Length(max=MAX_REASON_LENGTH, message="Use at most %(max)d characters.")
    return StringField("Reason", [Needed(), length, one_line], [stripped], description=description)


class ReasonForm(SiteForm):
    """Do something to a project, with a reason."""

    reason = reason("Its owners are told by email, and the audit log keeps it.")


class QuarantineForm(SiteForm):
    """Quarantine a project, with a reason."""

    reason = reason("Shown to everyone, and to those who try to upload. Its owners are told by email.")


class EndQuarantineForm(ReasonForm):
    """End the quarantine of a project, with a reason."""


class RemovalForm(ReasonForm):
    """Delete a release or a project, with a reason."""

    typed = StringField("Confirmation", [Needed(), Length(max=MAX_TYPED_LENGTH)], [stripped])

    def names(self, *expected: str) -> bool:
        """Tell whether what is deleted was typed; add an error if not."""
        if self.typed.data not in expected:
            self.refuse("typed", f"Type “{expected[0]}” to confirm.")
        return self.typed.data in expected


class MaintainerForm(ReasonForm):
    """Add a maintainer to a package."""

    user = StringField("Email, username or ID of the user", [Needed(), Length(max=254)], [stripped])
    role = SelectField("Role", choices=[SelectChoice(role, role) for role in reversed(ROLES)])


class TransferForm(ReasonForm):
    """Give a project to somebody."""

    user = StringField("Email, username or ID of the new owner", [Needed(), Length(max=254)], [stripped])
