"""`/description-image/<signed address>`: an image that a stored description names, from this site."""

import hashlib

from flask import Blueprint, Response, abort, request

from webapp.rules.images import SVG
from webapp.serving.description_images import are_shown, url_of
from webapp.upstream.images import images

bp = Blueprint("images", __name__)

MAX_AGE_S = 86_400
# An SVG that somebody opens by itself runs no script, asks for nothing, and is of no origin.
POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox"


@bp.get("/description-image/<name>")
def image(name: str) -> Response:
    """Send an image, which is fetched if it is not kept here yet. There is no other way to have something fetched."""
    url = url_of(name) if are_shown() else None
    if url is None:
        abort(404, "This site shows no such image.")
    found = images().image(url) or abort(404, "This image cannot be shown.")
    response = Response(found["data"], mimetype=found["content_type"])
    response.headers["Content-Security-Policy"] = POLICY
    response.headers["Cross-Origin-Resource-Policy"] = "same-origin"
    if found["content_type"] == SVG:
        response.headers["Content-Disposition"] = "inline; filename=image.svg"
    response.cache_control.public = True
    response.cache_control.max_age = MAX_AGE_S
    response.set_etag(hashlib.sha256(found["data"]).hexdigest()[:32])
    response.make_conditional(request.environ)
    return response
