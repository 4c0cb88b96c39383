"""Forms for the maintainers of a project."""

from wtforms import EmailField, PasswordField, SelectField, StringField, SubmitField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import Length, Optional, ValidationError

from webapp.documents.package import MAINTAINER, OWNER
from webapp.documents.project_status import ACTIVE, ARCHIVED, DEPRECATED
from webapp.members import passwords
from webapp.members.forms import EMAIL, Needed, SiteForm, one_line, stripped
from webapp.rules import naming

MAX_REASON_LENGTH = 300
# File names have at most 255 characters on most disks; this leaves room for a project's name and version.
MAX_TYPED_LENGTH = 500


class YankForm(SiteForm):
    """Yank a release, with a reason."""

    reason = StringField(
        "Reason",
        [Needed(), Length(max=MAX_REASON_LENGTH, message="Use at most %(max)d characters."), one_line],
        [stripped],
        description="Shown by installers and on the project page.",
    )


def project_name(_: SiteForm, field: StringField) -> None:
    """Reject invalid project names."""
    try:
        naming.normalize_name(field.data or "")
    except naming.InvalidName:
        raise ValidationError("Enter the name of a project, such as Flask.") from None


class StatusForm(SiteForm):
    """Set the status of a project (PEP 792)."""

    status = SelectField(
        "Status",
        [Needed()],
        choices=[
            SelectChoice(ACTIVE, "Active"),
            SelectChoice(ARCHIVED, "Archived: no more releases"),
            SelectChoice(DEPRECATED, "Deprecated: do not use it any more"),
        ],
    )
    reason = StringField(
        "Reason",
        [Length(max=MAX_REASON_LENGTH, message="Use at most %(max)d characters."), one_line],
        [stripped],
        description="Shown on the project page and by tools that audit dependencies.",
    )
    successor = StringField(
        "Successor", [Optional(), project_name], [stripped], description="The project to use instead."
    )


class DeletionForm(SiteForm):
    """Delete a file, a release or a project."""

    typed = StringField("Confirmation", [Needed(), Length(max=MAX_TYPED_LENGTH)], [stripped])
    # Asked for only if the sign-in is old, so it is not required here.
    password = PasswordField(
        "Your password", [Length(max=passwords.MAX_LENGTH, message="Passwords have at most %(max)d characters.")]
    )


class InvitationForm(SiteForm):
    """Invite somebody to the project."""

    email = EmailField(
        "Email address", EMAIL, [stripped], description="We send an invitation link that is valid for seven days."
    )
    role = SelectField("Role", choices=[SelectChoice(each, each) for each in (MAINTAINER, OWNER)])


class AnswerForm(SiteForm):
    """Accept or decline an invitation."""

    decline = SubmitField("Decline")
