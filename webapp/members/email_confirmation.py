"""Where mail is configured, addresses are confirmed by mail, and only the mailbox learns whether there is an account.

The page and `/signup` answer the same whether or not an address has an account, and do the same work before.
"""

from webapp.documents import User
from webapp.members import audit, mails, tokens

UNCONFIRMED = (
    "Confirm your email address first: open the link in the email we sent you, or request another one under “Email” "
    "on your account page."
)


def must_confirm(user: User) -> bool:
    """Tell whether a user still has to confirm the address they registered with."""
    return bool(user.unconfirmed_email) and mails.are_configured()


def ask_to_register(name: str, email: str, next_address: str) -> None:
    """Send a link that finishes the registration, or tell the owner of the address that they have an account."""
    link = mails.link_to("accounts.finish_registration", token=tokens.for_registration(name, email, next_address))
    sign_in = mails.link_to("accounts.login")

    def act() -> None:
        if not _tell_owner(email, sign_in):
            mails.send("register", email, "Finish your registration", name=name, link=link)

    mails.later(act)


def ask_to_confirm(user: User, email: str) -> None:
    """Send a user a link that confirms their new address, or tell the owner of the address that it is in use."""
    link = mails.link_to("accounts.confirm_email", token=tokens.for_email(user, email))
    sign_in, settings = mails.link_to("accounts.login"), mails.link_to("accounts.account")
    former, name = user.email, user.shown_name

    def act() -> None:
        if not _tell_owner(email, sign_in):
            mails.send("confirm_email", email, "Confirm your new address", name=name, link=link)
        if former:
            mails.send(
                "email_changing",
                former,
                "Confirm the change of your email address",
                name=name,
                email=email,
                settings=settings,
            )

    mails.later(act)


def _tell_owner(email: str, sign_in: str) -> bool:
    """Tell the owner of an address that somebody wanted to use it; False if no account has it."""
    user: User | None = User.objects.account_of(email)
    if user is None or not user.email:
        return False
    mails.send("address_in_use", user.email, "You already have an account", name=user.shown_name, link=sign_in)
    audit.record(audit.EMAIL, "Someone tried to use the address of this account; its owner was notified.", user=user)
    return True
