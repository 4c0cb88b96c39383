"""Forms for the maintainers of a project."""

import re
from typing import Any
from urllib.parse import urlsplit

from wtforms import HiddenField, PasswordField, SelectField, StringField, SubmitField, TextAreaField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import Length, Optional, ValidationError

from webapp.documents import Team
from webapp.documents.package import MAINTAINER, OWNER, REVIEWED, SESSIONS
from webapp.documents.project_status import ACTIVE, ARCHIVED, DEPRECATED
from webapp.members import passwords
from webapp.members.forms import ButtonForm, Needed, SiteForm, one_line, stripped
from webapp.members.inviting import INVITEE
from webapp.openid.providers import issuers
from webapp.rules import naming
from webapp.rules.publishers import is_claim_name, key_of

# What a form sends for a project without a rule for its releases.
DIRECT = "direct"
MAX_REASON_LENGTH = 300
MAX_VERSION_LENGTH = 200
MAX_SIGNERS, MAX_SIGNER_LENGTH = 10, 300
MOST_READERS = 20
_PATH = r"(/[A-Za-z0-9._-]+)+"
_SIGNER = re.compile(
    rf"https://(github|gitlab)\.com{_PATH}(//?[A-Za-z0-9._/-]+)?|https://circleci\.com/api/v2/projects{_PATH}"
    r"|[^\s@/:]+@[A-Za-z0-9.-]+\.[A-Za-z]+"
)
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


class SignersForm(SiteForm):
    """Choose who has to sign new files (PEP 740)."""

    signers = TextAreaField(
        "Signers",
        [Length(max=MAX_SIGNERS * MAX_SIGNER_LENGTH, message="Use at most %(max)d characters.")],
        [stripped],
        description="One on each line: the address of a repository, or an email address.",
    )

    def chosen(self) -> list[str]:
        """Return the signers, one text each."""
        lines = [line.strip() for line in (self.signers.data or "").splitlines()]
        return list(dict.fromkeys(re.sub(r"(\.git)?/*$", "", line) for line in lines if line))

    def validate_signers(self, _: TextAreaField) -> None:
        """Reject what cannot be the address of a signer."""
        chosen = self.chosen()
        if len(chosen) > MAX_SIGNERS:
            raise ValidationError(f"Enter at most {MAX_SIGNERS} signers.")
        for each in chosen:
            if len(each) > MAX_SIGNER_LENGTH or not _SIGNER.fullmatch(each):
                raise ValidationError(
                    f"“{each[:MAX_SIGNER_LENGTH]}” is not the address of a signer. Enter addresses on GitHub, GitLab "
                    "or CircleCI, such as https://github.com/OWNER/REPOSITORY, or email addresses of Google accounts."
                )


GITHUB, GITLAB, OTHER = "github", "gitlab", "other"
MAX_CONDITIONS, MAX_CONDITION_LENGTH = 10, 300


class PublisherForm(SiteForm):
    """Let a pipeline publish: which claims its tokens must have."""

    issuer = SelectField("Issuer", [Needed()])
    service = SelectField(
        "Service",
        [Needed()],
        choices=[
            SelectChoice(GITHUB, "GitHub Actions"),
            SelectChoice(GITLAB, "GitLab CI"),
            SelectChoice(OTHER, "Another: only the conditions below"),
        ],
    )
    repository = StringField(
        "Repository",
        [Length(max=MAX_CONDITION_LENGTH, message="Use at most %(max)d characters.")],
        [stripped],
        description="OWNER/NAME on GitHub, the path of the project on GitLab.",
    )
    workflow = StringField(
        "Workflow",
        [Length(max=MAX_CONDITION_LENGTH, message="Use at most %(max)d characters.")],
        [stripped],
        description="The file that publishes, such as release.yml or .gitlab-ci.yml.",
    )
    environment = StringField(
        "Environment",
        [Length(max=MAX_CONDITION_LENGTH, message="Use at most %(max)d characters."), one_line],
        [stripped],
        description="If only jobs of one environment may publish.",
    )
    conditions = TextAreaField(
        "Conditions",
        [Length(max=MAX_CONDITIONS * (MAX_CONDITION_LENGTH + 100), message="Use at most %(max)d characters.")],
        [stripped],
        description="One on each line, such as ref = refs/tags/*. A * stands for any text.",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.issuer.choices = [SelectChoice(each, each) for each in issuers()]

    def chosen(self) -> dict[str, str]:
        """Return all conditions, by the names of the claims."""
        repository, workflow = self.repository.data or "", self.workflow.data or ""
        found = dict(self._lines())
        if self.service.data == GITHUB:
            found["repository"] = repository
            found["job_workflow_ref"] = f"{repository}/.github/workflows/{workflow}@*"
        elif self.service.data == GITLAB:
            found["project_path"] = repository
            host = urlsplit(self.issuer.data).netloc
            found["ci_config_ref_uri"] = f"{host}/{repository}//{workflow}@*"
        if self.environment.data:
            found["environment"] = self.environment.data
        return found

    def _lines(self) -> list[tuple[str, str]]:
        lines = [line.partition("=") for line in (self.conditions.data or "").splitlines() if line.strip()]
        return [(name.strip(), value.strip()) for name, _, value in lines]

    def validate_repository(self, field: StringField) -> None:
        """Require a repository of GitHub and GitLab."""
        wanted = {GITHUB: r"[\w.-]+/[\w.-]+", GITLAB: r"[\w.-]+(/[\w.-]+)+"}.get(self.service.data)
        if wanted is None and field.data:
            raise ValidationError("Leave this empty, and write conditions instead.")
        if wanted and not re.fullmatch(wanted, field.data or "", re.ASCII):
            raise ValidationError("Enter the path of the repository, such as acme/rocket.")

    def validate_workflow(self, field: StringField) -> None:
        """Require the file of the workflow of GitHub and GitLab."""
        wanted = {GITHUB: r"[\w.-]+\.ya?ml", GITLAB: r"[\w.-]+(/[\w.-]+)*\.ya?ml"}.get(self.service.data)
        if wanted is None and field.data:
            raise ValidationError("Leave this empty, and write conditions instead.")
        if wanted and not re.fullmatch(wanted, field.data or "", re.ASCII):
            raise ValidationError("Enter the name of a file that ends with .yml or .yaml.")

    def validate_conditions(self, _: TextAreaField) -> None:
        """Reject conditions that cannot be read, and those that many pipelines fulfil."""
        lines = self._lines()
        if len(lines) > MAX_CONDITIONS:
            raise ValidationError(f"Enter at most {MAX_CONDITIONS} conditions.")
        for name, value in lines:
            if not (is_claim_name(name) and 0 < len(value) <= MAX_CONDITION_LENGTH and value.isprintable()):
                raise ValidationError("Write each condition as claim = value, such as ref = refs/tags/*.")
        if self.service.data == OTHER and key_of("", dict(lines)) is None:
            raise ValidationError(
                "Add a condition without * that only your own pipeline meets, such as sub = ... (its subject)."
            )


class PendingPublisherForm(PublisherForm):
    """Let a pipeline create a project."""

    project = StringField("Project", [Needed(), Length(max=MAX_TYPED_LENGTH), project_name], [stripped])


class PublishForm(ButtonForm):
    """The button that publishes a session."""

    seen = HiddenField()  # the fingerprint of the files that the page showed


class SessionForm(SiteForm):
    """Open a publishing session."""

    version = StringField("Version", [Needed(), Length(max=MAX_VERSION_LENGTH)], [stripped])

    def validate_version(self, field: StringField) -> None:
        """Reject what is not a version (PEP 440)."""
        if naming.parse_version(field.data or "") is None:
            raise ValidationError("Enter a version, such as 1.2.0.")


class ReleaseRuleForm(SiteForm):
    """Choose how a project is released."""

    rule = SelectField(
        "New files",
        [Needed()],
        choices=[
            SelectChoice(DIRECT, "Are published when they are uploaded"),
            SelectChoice(SESSIONS, "Come through publishing sessions"),
            SelectChoice(REVIEWED, "Need another owner to publish them"),
        ],
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

    email = StringField(
        "Email address or username",
        INVITEE,
        [stripped],
        description="We send an invitation link that is valid for seven days.",
    )
    role = SelectField("Role", choices=[SelectChoice(each, each) for each in (MAINTAINER, OWNER)])


class TeamRoleForm(SiteForm):
    """Let a team own or maintain the project."""

    team = StringField("Name of the team", [Needed(), Length(max=50)], [stripped])
    role = SelectField("Role", choices=[SelectChoice(each, each) for each in (MAINTAINER, OWNER)])


class ReadersForm(SiteForm):
    """Choose the teams that may read the project."""

    readers = TextAreaField(
        "Teams",
        [Length(max=MOST_READERS * 60, message="Use at most %(max)d characters.")],
        [stripped],
        description="Their names, one on each line. Without any, every member may read the project.",
    )

    def chosen(self) -> list[str]:
        """Return the names of the teams."""
        return list(dict.fromkeys((self.readers.data or "").lower().split()))

    def validate_readers(self, _: TextAreaField) -> None:
        """Reject too many teams, and teams that do not exist."""
        chosen = self.chosen()
        if len(chosen) > MOST_READERS:
            raise ValidationError(f"Enter at most {MOST_READERS} teams.")
        known = {each["name"] for each in Team.objects(pk__in=chosen).only("name").plain()}
        for name in chosen:
            if name not in known:
                raise ValidationError(f"There is no team called “{name[:60]}”.")


class AnswerForm(SiteForm):
    """Accept or decline an invitation."""

    decline = SubmitField("Decline")
