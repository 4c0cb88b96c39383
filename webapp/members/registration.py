"""Create accounts."""

from typing import Any

from webapp.documents import User
from webapp.documents.base import utc_now
from webapp.members import audit, passwords


def create_user(
    *, password: str, name: str = "", email: str = "", username: str = "", unconfirmed_email: str = ""
) -> User:
    """Store a new user, and record it. Raises NotUniqueError: the unique indexes decide, not a check beforehand."""
    hashed = passwords.hash_password(password)
    user = store_user(
        name=name, email=email, username=username, unconfirmed_email=unconfirmed_email, hashed_password=hashed
    )
    audit.record(audit.REGISTRATION, "Registered.", user=user, by=user)
    return user


def store_user(**values: Any) -> User:
    """Store a new user, whose empty values are left out. Raises NotUniqueError."""
    known = {name: value for name, value in values.items() if value}
    user = User(created_date=utc_now(), **known)
    user.save(force_insert=True)
    return user
