"""The blueprint of the room, and what all its private pages share."""

from flask import Blueprint, Response, request

bp = Blueprint("accounts", __name__)

PUBLIC_ENDPOINT = "accounts.profile"


@bp.after_request
def keep_private(response: Response) -> Response:
    """No cache may keep a page of a member's own; the public profile says for itself how long it may be kept."""
    if request.endpoint != PUBLIC_ENDPOINT:
        response.headers["Cache-Control"] = "no-store"
    return response
