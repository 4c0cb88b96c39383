"""Forms for teams."""

from wtforms import SelectField, StringField, SubmitField, TextAreaField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import Length, Regexp, ValidationError

from webapp.documents.team import MAX_TITLE_LENGTH, MOST_GROUPS, TEAM_NAME
from webapp.documents.user import TEAM_MEMBER, TEAM_OWNER
from webapp.members.forms import Needed, SiteForm, one_line, stripped
from webapp.members.inviting import INVITEE

MAX_GROUP_LENGTH = 200


class TeamForm(SiteForm):
    """What administrators set of a team."""

    title = StringField(
        "Title", [Length(max=MAX_TITLE_LENGTH, message="Use at most %(max)d characters."), one_line], [stripped]
    )
    groups = TextAreaField(
        "Groups",
        [Length(max=MOST_GROUPS * MAX_GROUP_LENGTH, message="Use at most %(max)d characters.")],
        [stripped],
        description="Groups of the identity provider whose members belong to the team, one on each line.",
    )

    def chosen_groups(self) -> list[str]:
        """Return the groups, one text each."""
        lines = [line.strip() for line in (self.groups.data or "").splitlines()]
        return list(dict.fromkeys(line for line in lines if line))

    def validate_groups(self, _: TextAreaField) -> None:
        """Reject too many groups, and names that cannot be one."""
        chosen = self.chosen_groups()
        if len(chosen) > MOST_GROUPS:
            raise ValidationError(f"Enter at most {MOST_GROUPS} groups.")
        if any(len(each) > MAX_GROUP_LENGTH or not each.isprintable() for each in chosen):
            raise ValidationError(f"A group has at most {MAX_GROUP_LENGTH} visible characters.")


class NewTeamForm(TeamForm):
    """Create a team."""

    name = StringField(
        "Name",
        [
            Needed(),
            Regexp(
                TEAM_NAME, message="Use 1 to 50 lower-case letters, digits and dashes. The first one cannot be a dash."
            ),
        ],
        [stripped],
        description="Part of the address of its page, such as payments. It cannot be changed later.",
    )


class MemberForm(SiteForm):
    """Add somebody to a team."""

    user = StringField("Username or email address", [Needed(), Length(max=254)], [stripped])
    role = SelectField("Role", choices=[SelectChoice(each, each) for each in (TEAM_MEMBER, TEAM_OWNER)])


class InvitationForm(SiteForm):
    """Invite somebody to a team."""

    email = StringField(
        "Email address or username",
        INVITEE,
        [stripped],
        description="We send an invitation link that is valid for seven days.",
    )
    role = SelectField("Role", choices=[SelectChoice(each, each) for each in (TEAM_MEMBER, TEAM_OWNER)])


class AnswerForm(SiteForm):
    """Accept or decline an invitation."""

    decline = SubmitField("Decline")
