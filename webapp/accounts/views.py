"""`/user/<id or name>/`."""

from flask import abort, redirect, url_for
from werkzeug.wrappers import Response

from webapp.accounts.blueprint import bp
from webapp.documents import Package, User
from webapp.documents.user import address_of
from webapp.serving.pagination import paginate
from webapp.serving.public_pages import public, render_public


@bp.get("/user/<path:id_or_username>/")
@public
def profile(id_or_username: str) -> Response:
    """Show the public profile: name, picture, join date and maintained projects."""
    user = User.objects.addressed(id_or_username).public().plain_first()
    if user is None:
        abort(404, "There is no user with this name or ID.")
    address = address_of(user["id"], user.get("username"))
    if id_or_username != address:
        # A temporary redirect, because usernames change.
        return redirect(url_for("accounts.profile", id_or_username=address))
    found = paginate([Package.objects.maintained_by(user["id"]).listed()])
    return render_public("accounts/profile.html", user=user, found=found)
