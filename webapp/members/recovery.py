"""Send mails with a link to set a new password."""

from webapp.documents import User
from webapp.members import audit, local_sign_in, mails, tokens


def send_link(email: str) -> None:
    """Send the mail if there is such an account, even one that was migrated without a password."""
    user: User | None = User.objects.account_of(email)
    if user is not None and "@" in email:
        send_link_to(user, "reset", "Reset your password")


def send_link_to(user: User, template: str, subject: str, **context: str) -> None:
    """Send a user a link to set a new password, unless they may not sign in with one, or have no address."""
    if user.is_disabled or not user.email or not local_sign_in.is_open_to(user):
        return
    is_first = template == "welcome"
    token = tokens.for_welcome(user) if is_first else tokens.for_reset(user)
    link = mails.link_to("accounts.reset", token=token)
    sent = mails.send(template, user.email, subject, name=user.shown_name, link=link, **context)
    what = "The link to choose a first password" if is_first else "A password reset link"
    audit.record(audit.PASSWORD, f"{what} {'was' if sent else 'could not be'} sent.", user=user)
