"""`POST /pypi/<name>/<version>/yank` and `/unyank`, for programs with a token that may yank. Answers are one line."""

from flask import Response, abort, current_app, request

from webapp.changes import withdrawing
from webapp.changes.maintaining import NotPermitted, NotThere
from webapp.documents.api_token import YANK
from webapp.members import api_tokens, audit
from webapp.publishing.views import bp
from webapp.rules import naming
from webapp.serving.extensions import csrf
from webapp.serving.slow_clients import FORM_S, whole_body

# As in the form of the web site.
MAX_REASON_LENGTH = 300


@bp.post("/pypi/<name>/<version>/<any(yank, unyank):act>")
def yank(name: str, version: str, act: str) -> Response:
    """Yank a release, with the reason in the form field `reason`, or undo that."""
    api_tokens.authenticate(YANK)
    whole_body(current_app.config["MAX_CONTENT_LENGTH"], FORM_S)
    permit = api_tokens.authenticate(YANK)  # again: rights may have been taken away while the form arrived
    normalized_name, reason = naming.normalize_name(name), request.form.get("reason", "").strip()
    if permit.user is None or not permit.token.is_for(normalized_name):
        abort(403, f"This API token is for {permit.token.shown_scope} only.")
    if len(reason) > MAX_REASON_LENGTH or not reason.isprintable():
        abort(400, f"A reason is one line of at most {MAX_REASON_LENGTH} characters.")
    try:
        if act == "yank":
            withdrawing.yank(normalized_name, version, reason, permit.user)
        else:
            withdrawing.unyank(normalized_name, version, permit.user)
    except NotPermitted as error:
        abort(403, str(error))
    except NotThere as error:
        abort(404, str(error))
    done = f"{act.capitalize()}ed {normalized_name} {version}"
    said = f"{done} with the API token “{permit.token.name}”."
    audit.record(audit.PROJECT, said, by=permit.user, target=f"package {normalized_name}")
    return Response(f"{done}.\n", mimetype="text/plain")


# Browsers do not send tokens by themselves, and no cookie is used here.
csrf.exempt(yank)
