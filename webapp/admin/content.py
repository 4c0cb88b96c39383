"""`/admin/pages`: content pages."""

from datetime import datetime
from typing import Any

from flask import Response, abort, flash, make_response, redirect, render_template, url_for
from markupsafe import Markup
from mongoengine.errors import NotUniqueError
from werkzeug.wrappers import Response as AnyResponse

from webapp.admin.blueprint import bp
from webapp.admin.forms import NewPageForm, PageForm
from webapp.documents import Page
from webapp.documents.base import utc_now
from webapp.members import audit
from webapp.members.form_views import form_view
from webapp.members.forms import ButtonForm
from webapp.rendering import RENDERER, render_markdown
from webapp.serving.pagination import paginate

CHANGED = "Someone else changed this page after you opened it. Copy your text, reopen the page and paste it in."


@bp.get("/pages")
def pages() -> Response:
    """List all content pages."""
    found = paginate([Page.objects.only("path", "title", "updated_date").order_by("pk")], 50)
    return make_response(render_template("admin/pages.html", found=found))


@bp.route("/pages/new", methods=["GET", "POST"])
@form_view(NewPageForm, "admin/page.html")
def new_page(form: NewPageForm) -> AnyResponse | None:
    """Create a content page."""
    if form.preview.data:
        return _preview(form, None)
    now = utc_now()
    page = Page(path=form.path.data, created_date=now, **_values(form, now))
    try:
        page.save(force_insert=True)
    except NotUniqueError:
        form.refuse("path", "A page with this path already exists.")
        return None
    audit.record(audit.ADMINISTRATION, "Created a page.", target=f"page {page.path}")
    _flash("The page was created.", page.content_problem)
    return redirect(url_for("admin.edit_page", path=page.path))


def _page(path: str) -> dict[str, Any]:
    page = Page.objects(pk=path).plain_first() or abort(404)
    fields = {name: page.get(name) for name in ("title", "content", "in_footer")}
    return {"page": page, "initial": fields | {"read_version": _version(page.get("updated_date"))}}


@bp.route("/pages/edit/<path:path>", methods=["GET", "POST"])
@form_view(PageForm, "admin/page.html", _page)
def edit_page(form: PageForm, path: str) -> AnyResponse | None:
    """Edit a page, refusing to overwrite a concurrent change."""
    page = _page(path)["page"]
    if form.preview.data:
        return _preview(form, page)
    if form.read_version.data != _version(page.get("updated_date")):
        form.refuse("content", CHANGED)
        return None
    present = {"_id": path, "updated_date": page.get("updated_date")}
    values = _values(form, utc_now())
    change = {"$set": {name: value for name, value in values.items() if value is not None}}
    if values["content_problem"] is None:
        change["$unset"] = {"content_problem": ""}
    changed = Page.objects.raw().update_one(present, change)
    if not changed.matched_count:
        form.refuse("content", CHANGED)
        return None
    audit.record(audit.ADMINISTRATION, "Changed a page.", target=f"page {path}")
    _flash("The page was saved.", values["content_problem"])
    return redirect(url_for("admin.edit_page", path=path))


@bp.route("/pages/delete/<path:path>", methods=["GET", "POST"])
@form_view(ButtonForm, "admin/delete_page.html", _page)
def delete_page(_: ButtonForm, path: str) -> AnyResponse:
    """Delete a page."""
    if not Page.objects.raw().delete_one({"_id": path}).deleted_count:
        abort(404)
    audit.record(audit.ADMINISTRATION, "Deleted a page.", target=f"page {path}")
    flash(f"The page {path} was deleted.")
    return redirect(url_for("admin.pages"))


def _preview(form: PageForm, page: dict[str, Any] | None) -> Response:
    html, problem = render_markdown(form.content.data)
    preview = Markup(html)  # noqa: S704 - made safe by the renderer
    return make_response(
        render_template("admin/page.html", form=form, page=page, preview=preview, problem=problem, stale=None)
    )


def _flash(message: str, problem: str | None) -> None:
    flash(message)
    if problem:
        flash(problem, "warning")


def _values(form: PageForm, now: datetime) -> dict[str, Any]:
    rendered = render_markdown(form.content.data)
    return {
        "title": form.title.data,
        "content": form.content.data,
        "in_footer": form.in_footer.data,
        "content_html": rendered.html,
        "content_problem": rendered.problem,
        "content_renderer": RENDERER,
        "updated_date": now,
    }


def _version(updated_date: datetime | None) -> str:
    return updated_date.isoformat() if updated_date else ""
