"""Members type their password again before what cannot be undone."""

from webapp.members import limits, passwords
from webapp.members.forms import SiteForm
from webapp.members.sessions import me

WRONG_PASSWORD = "The password is incorrect."  # noqa: S105 - a message


def knows_password(form: SiteForm) -> bool:
    """Tell whether the member typed their password; say beside the field if not. Raises TooManyRequests."""
    user = me().user
    limits.count_password_check(user.id)
    fits = passwords.check(user.hashed_password, form["password"].data).fits
    if not fits:
        form.refuse("password", WRONG_PASSWORD)
    return fits
