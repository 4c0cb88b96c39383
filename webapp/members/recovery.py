"""Send mails with a link to set a new password."""

from webapp.documents import User
from webapp.members import audit, mails, tokens


def send_link(email: str) -> None:
    """Send the mail if there is such an account, even one that was migrated without a password."""
    user: User | None = User.objects.account_of(email)
    if user is not None and "@" in email:
        send_link_to(user, "reset", "Reset your password")


def send_link_to(user: User, template: str, subject: str, **context: str) -> None:
    """Send a user a link to set a new password, unless the account is disabled or has no address."""
    if user.is_disabled or not user.email:
        return
    link = mails.link_to("accounts.reset", token=tokens.for_reset(user))
    sent = mails.send(template, user.email, subject, name=user.shown_name, link=link, **context)
    audit.record(audit.PASSWORD, f"A password reset link {'was' if sent else 'could not be'} sent.", user=user)
