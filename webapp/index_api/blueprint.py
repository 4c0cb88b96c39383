"""The blueprint of both APIs."""

from flask import Blueprint, Response

bp = Blueprint("index_api", __name__)


@bp.after_request
def open_to_all_origins(response: Response) -> Response:
    """Let pages of other sites read the APIs, which contain nothing private."""
    response.headers["Access-Control-Allow-Origin"] = "*"
    return response
