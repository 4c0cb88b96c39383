"""The form that makes an API token, for a member, a team or a project."""

from flask_wtf import FlaskForm
from wtforms import Field, SelectField, StringField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import Length, Optional, ValidationError

from webapp.members.forms import NAME, Needed, WithPassword, stripped
from webapp.rules.addresses import network_in
from webapp.rules.naming import InvalidName, normalize_name

MOST_PROJECTS = 20
MOST_NETWORKS = 20


def project_names(_: FlaskForm, field: Field) -> None:
    """Normalize the names of projects, or reject them. The projects need not exist yet."""
    try:
        names = list(dict.fromkeys(normalize_name(name) for name in field.data.replace(",", " ").split()))
    except InvalidName:
        raise ValidationError("Enter valid project names: letters and digits, with . - _ between them.") from None
    if len(names) > MOST_PROJECTS:
        raise ValidationError(f"Enter at most {MOST_PROJECTS} projects.")
    field.data = " ".join(names)


def valid_networks(_: FlaskForm, field: Field) -> None:
    """Write addresses in their usual form, or reject them."""
    texts = field.data.replace(",", " ").split()
    if len(texts) > MOST_NETWORKS:
        raise ValidationError(f"Enter at most {MOST_NETWORKS} addresses or ranges.")
    networks = [network_in(text) for text in texts]
    if None in networks:
        wrong = texts[networks.index(None)]
        raise ValidationError(f"“{wrong[:60]}” is not an IP address or a range, such as 192.0.2.0/24.")
    field.data = " ".join(dict.fromkeys(filter(None, networks)))


class TokenForm(WithPassword):
    """Create an API token."""

    LIFETIMES = (("30", "after 30 days"), ("90", "after 90 days"), ("365", "after a year"), ("", "never"))
    PURPOSES = (
        ("upload", "upload"),
        ("read", "install"),
        ("upload read", "upload and install"),
        ("yank", "yank"),
        ("upload yank", "upload and yank"),
        ("upload read yank", "upload, install and yank"),
    )

    name = StringField("Token name", [Needed(), *NAME], [stripped], description="Helps you recognize the token later.")
    project = StringField(
        "Projects",
        [Optional(), Length(max=2000), project_names],
        [stripped],
        description="Their names, with spaces between. A project that the first upload creates may be named too. Leave "
        "empty for all projects.",
    )
    purpose = SelectField("Permissions", choices=[SelectChoice(*each) for each in PURPOSES])
    lifetime = SelectField("Expires", choices=[SelectChoice(*each) for each in LIFETIMES], default="365")
    networks = StringField(
        "Addresses",
        [Optional(), Length(max=1000), valid_networks],
        [stripped],
        description="Addresses or ranges that it may be used from, such as 192.0.2.0/24. Leave empty for all.",
    )
