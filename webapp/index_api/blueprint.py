"""The blueprint that both APIs hang on."""

from flask import Blueprint, Response, g

bp = Blueprint("index_api", __name__)


@bp.before_request
def for_programs() -> None:
    """Errors here are JSON whatever the client accepts."""
    g.for_programs = True


@bp.after_request
def open_to_all_origins(response: Response) -> Response:
    """Let pages of other sites read the APIs, which hold nothing private."""
    response.headers["Access-Control-Allow-Origin"] = "*"
    return response
