"""Create accounts."""

from webapp.documents import User
from webapp.documents.base import utc_now
from webapp.members import audit, passwords


def create_user(
    *, password: str, name: str = "", email: str = "", username: str = "", unconfirmed_email: str = ""
) -> User:
    """Store a new user, and record it. Raises NotUniqueError: the unique indexes decide, not a check beforehand."""
    user = User(
        name=name or None,
        email=email or None,
        username=username or None,
        unconfirmed_email=unconfirmed_email or None,
        hashed_password=passwords.hash_password(password),
        created_date=utc_now(),
    )
    user.save(force_insert=True)
    audit.record(audit.REGISTRATION, "Registered.", user=user, by=user)
    return user
