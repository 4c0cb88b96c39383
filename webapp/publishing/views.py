"""`POST /legacy/` and `POST /`: PyPI's upload form. Answers are one line of plain text, which the tools print.

Source: the "Upload API" of PyPI's documentation. `/legacy/sessions/<id>/` takes the same form for a publishing session.
"""

from contextlib import ExitStack

from flask import Blueprint, Response, url_for

from webapp.changes.publishers import Pipeline
from webapp.changes.staged_files import stage
from webapp.changes.uploads import Upload, publish
from webapp.documents.api_token import UPLOAD
from webapp.members import api_tokens, audit
from webapp.publishing.receiving import member, permitted, receive, record_staged, refusals
from webapp.rules.distributions import Distribution
from webapp.serving.extensions import csrf
from webapp.serving.filters import absolute_url, site_url

bp = Blueprint("publishing", __name__)


@bp.post("/legacy/", strict_slashes=False)
@bp.post("/")
def upload() -> Response:
    """Publish a file, and create its project if necessary."""
    api_tokens.authenticate(UPLOAD)
    with ExitStack() as opened:
        permit, sent = receive(opened)
        pipeline = sent.pipeline
        with refusals():
            published = publish(sent, permit.user)
    distribution = sent.distribution
    if published.is_new or published.is_put_back:
        _record(distribution, permit, pipeline, "Published" if published.is_new else "Put back the bytes of")
    address = absolute_url("packages.project", name=distribution.normalized_name, version=distribution.version)
    said = "was published" if published.is_new else "had already been published, so nothing changed"
    if published.is_put_back:
        said = "had already been published; its bytes here were lost or damaged, and were put back"
    warnings = []
    if published.problem:
        warnings.append(f"The description could not be rendered. {published.problem}")
    if sent.attestations and not published.is_new:
        warnings.append("Attestations are kept only when a file is published, so these were not.")
    return _said(sent, f"{said}: {address}", warnings)


@bp.post("/legacy/sessions/<session_id>/", strict_slashes=False)
def upload_to_session(session_id: str) -> Response:
    """Add a file to a publishing session, or replace one."""
    _, session = permitted(session_id)
    with ExitStack() as opened:
        permit, sent = receive(opened)
        with refusals():
            staged = stage(session, sent, member(permit))
    if staged.is_new:
        record_staged(permit, session, sent.distribution.filename)
    said = "was replaced in" if staged.is_replaced else "was added to" if staged.is_new else "was already in"
    place = site_url() + url_for("manage.publishing_session", name=session.package, session_id=session.pk)
    return _said(sent, f"{said} the publishing session of {session.version}: {place}", [])


def _said(sent: Upload, said: str, warnings: list[str]) -> Response:
    warnings = [*sent.distribution.warnings, *warnings]
    lines = [f"{sent.distribution.filename} {said}", *(f"Warning: {each}" for each in warnings)]
    return Response("".join(f"{each}\n" for each in lines), mimetype="text/plain")


def _record(distribution: Distribution, permit: api_tokens.Permit, pipeline: Pipeline | None, what: str) -> None:
    of = f"{distribution.normalized_name} {distribution.version}"
    means = (
        f"by the pipeline of {pipeline.source.repository[:200]}"
        if pipeline
        else f"with the API token “{permit.token.name}”"
    )
    said = f"{what} {distribution.filename} of {of} {means}."
    audit.record(audit.UPLOAD, said, by=permit.user, target=f"package {distribution.normalized_name}")


# Browsers do not send tokens by themselves, and no cookie is used here.
csrf.exempt(upload)
csrf.exempt(upload_to_session)
