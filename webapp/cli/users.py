"""`flask users`: manage accounts."""

import click
from email_validator import EmailNotValidError, validate_email
from mongoengine.errors import NotUniqueError

from webapp.changes import administrators
from webapp.cli.group import SiteGroup
from webapp.documents import User
from webapp.documents.api_token import revoke_all
from webapp.members import audit, identities, passwords, second_factors, sessions
from webapp.members.forms import MAX_NAME_LENGTH
from webapp.members.registration import create_user
from webapp.rules.texts import counted

users_group = SiteGroup("users", help="Manage accounts.")


@users_group.command("create-admin")
@click.option("--email", prompt="Email address", help="Email address of the administrator.")
@click.option("--name", prompt="Name", help="Name of the administrator.")
@click.password_option(help="Asked for if not given, which is safer: other users can see a command's arguments.")
def create_admin_command(email: str, name: str, password: str) -> None:
    """Create an administrator. An existing account becomes one and keeps its password."""
    user = _find(email)
    if user is None:
        try:
            email = validate_email(email.strip(), check_deliverability=False).normalized
        except EmailNotValidError as error:
            raise click.ClickException(f"{email}: {error}") from None
        name = name.strip()
        if not name or not name.isprintable() or len(name) > MAX_NAME_LENGTH:
            raise click.ClickException(f"the name has to be one line of 1 to {MAX_NAME_LENGTH} visible characters")
        _check_password(password, [email, name])
        try:
            user = create_user(email=email, name=name, password=password)
        except NotUniqueError:
            raise click.ClickException(f"{email}: somebody has just registered with this address") from None
    if administrators.make_administrator(user.id):
        audit.record(audit.ADMINISTRATION, f"Made {user.shown_name} an administrator.", user=user)
    click.echo(f"{user.shown_name} is an administrator.")


@users_group.command("list")
@click.option("--admins", is_flag=True, help="Show administrators only.")
@click.option(
    "--find",
    "text",
    default="",
    help="Match the start of an address or username, or any part of a name.",
)
def list_command(*, admins: bool, text: str) -> None:
    """List accounts: id, address or username, name, and status."""
    users = User.objects.found(text) if text else User.objects.youngest()
    for user in users.no_cache().as_pymongo() if not admins else User.objects.administrators().as_pymongo():
        marks = [
            mark for mark, field in (("administrator", "is_admin"), ("disabled", "is_disabled")) if user.get(field)
        ]
        marks += ["address not confirmed"] if user.get("unconfirmed_email") else []
        marks += ["two-factor"] if user.get("second_factors") else []
        marks += ["single sign-on"] if user.get("identity") else []
        marks += ["no password"] if not user.get("hashed_password") else []
        parts = (
            user["_id"],
            user.get("email") or user.get("username") or "-",
            user.get("name") or "-",
            ", ".join(marks),
        )
        click.echo("  ".join(_printable(str(part)) for part in parts if part))


@users_group.command("set-password")
@click.argument("who")
@click.password_option()
def set_password_command(who: str, password: str) -> None:
    """Set a new password for a user, end their sessions and revoke their API tokens.

    WHO is an email address, a username or an id.
    """
    user = _find_or_fail(who)
    _check_password(password, user.words())
    change = {"$set": {"hashed_password": passwords.hash_password(password)}}
    # Before and after, as in a reset by mail.
    revoked = revoke_all(user.id)
    User.objects.raw().update_one({"_id": user.id}, change)
    sessions.end_others(user.id)
    revoked += revoke_all(user.id)
    audit.record(audit.PASSWORD, "Set a new password, ended all sessions and revoked all API tokens.", user=user)
    tokens = f"{counted(revoked, 'API tokens')} {'was' if revoked == 1 else 'were'} revoked"
    click.echo(f"{user.shown_name} has a new password. Their sessions ended, and {tokens}.")


@users_group.command("reset-2fa")
@click.argument("who")
def reset_2fa_command(who: str) -> None:
    """Remove a user's second factors and recovery codes, and end their sessions.

    WHO is an email address, a username or an id. Make sure first that it is really the user who asks for it.
    """
    user = _find_or_fail(who)
    changed = second_factors.remove_all(user)
    if changed:
        sessions.end_others(user.id)
        second_factors.tell(user, "Two-factor authentication was reset by an administrator")
    done = "now signs in with a password only" if changed else "has no second factor"
    click.echo(f"{user.shown_name} {done}.")


@users_group.command("disconnect")
@click.argument("who")
def disconnect_command(who: str) -> None:
    """Disconnect an account from the identity provider. WHO is an email address, a username or an id."""
    user = _find_or_fail(who)
    done = "can no longer sign in at the identity provider" if identities.disconnect(user) else "was not connected"
    click.echo(f"{user.shown_name} {done}.")


@users_group.command("disable")
@click.argument("who")
def disable_command(who: str) -> None:
    """Sign a user out, and refuse their password and API tokens. WHO is an email address, a username or an id."""
    user = _find_or_fail(who)
    try:
        changed = administrators.disable(user.id)
    except administrators.LastAdministrator as error:
        raise click.ClickException(str(error)) from None
    if changed:
        audit.record(audit.ADMINISTRATION, f"Disabled the account of {user.shown_name}.", user=user)
    click.echo(f"{user.shown_name} {'is' if changed else 'was already'} disabled.")


@users_group.command("enable")
@click.argument("who")
def enable_command(who: str) -> None:
    """Let a disabled user sign in again, without their old API tokens. WHO is an email address, a username or an id."""
    user = _find_or_fail(who)
    changed = administrators.enable(user.id)
    if changed:
        audit.record(
            audit.ADMINISTRATION, f"Enabled the account of {user.shown_name} and revoked its API tokens.", user=user
        )
    done = "may sign in again; their old API tokens are revoked" if changed else "was not disabled"
    click.echo(f"{user.shown_name} {done}.")


def _find(who: str) -> User | None:
    by_name: User | None = User.objects.account_of(who)
    by_address: User | None = User.objects.addressed(who).declared_first()
    return by_name or by_address


def _find_or_fail(who: str) -> User:
    user = _find(who)
    if user is None:
        raise click.ClickException(f"{who}: no such user")
    return user


def _check_password(password: str, known_words: list[str]) -> None:
    if not passwords.MIN_LENGTH <= len(password) <= passwords.MAX_LENGTH:
        raise click.ClickException(f"use {passwords.MIN_LENGTH} to {passwords.MAX_LENGTH} characters")
    if reason := passwords.weakness(password, known_words):
        raise click.ClickException(reason)


def _printable(text: str) -> str:
    """Return text without control characters, which could command the terminal: anybody can register under any name."""
    return "".join(character if character.isprintable() else "?" for character in text)
