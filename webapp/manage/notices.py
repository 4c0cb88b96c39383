"""Mails to the owners of a project about deletions."""

from webapp.documents import Package, User
from webapp.documents.package import OWNER
from webapp.members import mails
from webapp.members.sessions import me


def tell_owners(package: Package, deleted: str) -> None:
    """Tell all owners that something was deleted, including whoever did it: somebody may have used their session.

    `package` is the state before the deletion.
    """
    owners = [each.user_id for each in package.maintainers if package.role_of(each.user_id) == OWNER]
    context = {"deleted": deleted, "project": package.name, "by": me().user.shown_name}

    def tell() -> None:
        for plain in User.objects(pk__in=owners, is_disabled__ne=True).only("name", "username", "email").plain():
            user = User(**plain)
            if user.email:
                mails.send("deletion", user.email, f"Deleted: {deleted}", name=user.shown_name, **context)

    mails.later(tell)
