"""Ask members for their password again before actions that cannot be undone."""

from webapp.members import limits, local_sign_in, passwords
from webapp.members.forms import SiteForm
from webapp.members.sessions import is_fresh, me

WRONG_PASSWORD = "The password is incorrect."  # noqa: S105 - a message


def password_is_correct(form: SiteForm) -> bool:
    """Tell whether the member entered their password; if not, add an error to the field. Raises TooManyRequests.

    Members without a password confirmed that it is them before they opened the form.
    """
    user = me().user
    if not local_sign_in.has_password(user):
        return is_fresh(when_opened=True)
    limits.count_password_check(user.id)
    is_correct = passwords.check(user.hashed_password, form["password"].data).is_correct
    if not is_correct:
        form.refuse("password", WRONG_PASSWORD)
    return is_correct
