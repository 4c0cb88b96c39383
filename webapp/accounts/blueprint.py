"""The blueprint, and the headers that its private pages share."""

from flask import Blueprint, Response, request

bp = Blueprint("accounts", __name__)

PUBLIC_ENDPOINT = "accounts.profile"


@bp.after_request
def keep_private(response: Response) -> Response:
    """Forbid caches to store private pages; the public profile sets its own caching headers."""
    if request.endpoint != PUBLIC_ENDPOINT:
        response.headers["Cache-Control"] = "no-store"
    return response
