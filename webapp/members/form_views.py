"""Pages with a form: show it, validate it, show it again with errors, and handle expired forms."""

from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec
from urllib.parse import urlsplit

from flask import Flask, Response, current_app, g, make_response, redirect, render_template, request, url_for
from flask_wtf.csrf import CSRFError
from werkzeug.wrappers import Response as AnyResponse

from webapp.members import local_sign_in, requirement
from webapp.members.forms import SiteForm
from webapp.members.next_page import safe_next
from webapp.members.sessions import is_fresh, signed_in_user, to_confirm, to_sign_in
from webapp.serving.errors import http_error, wants_json

P = ParamSpec("P")
Context = dict[str, Any]

STALE = "This form expired, or you signed in or out since you opened it. Nothing was changed. "


def form_view(
    form_class: type[SiteForm], template: str, load: Callable[..., Context] | None = None
) -> Callable[[Callable[Concatenate[Any, P], AnyResponse | None]], Callable[P, AnyResponse]]:
    """Show a form, and call the view once the form was sent with valid fields and a valid token.

    The view returns a response, or None if it added an error to the form, which is then shown again. `load` takes the
    same arguments as the view and returns further variables for the template; "initial" has the fields' first values.
    """

    def decorate(view: Callable[Concatenate[Any, P], AnyResponse | None]) -> Callable[P, AnyResponse]:
        def show(*args: P.args, **kwargs: P.kwargs) -> AnyResponse:
            """Show the form with what was entered, without calling the view."""
            context = load(*args, **kwargs) if load else {}
            form = form_class(data=context.pop("initial", None))
            return _page(template, form, context, 400)

        @wraps(view)
        def shown_view(*args: P.args, **kwargs: P.kwargs) -> AnyResponse:
            context = load(*args, **kwargs) if load else {}
            form = form_class(data=context.pop("initial", None))
            was_sent = request.method == "POST"
            if was_sent and form.validate():
                response = view(form, *args, **kwargs)
                if response is not None:
                    return response
            return _page(template, form, context, 400 if was_sent else 200)

        shown_view.show_form = show  # type: ignore[attr-defined]
        return shown_view

    return decorate


def members_only(view: Callable[P, AnyResponse]) -> Callable[P, AnyResponse]:
    """Redirect visitors to the sign-in page, and members who are late to the one for two-factor authentication."""

    @wraps(view)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> AnyResponse:
        user = signed_in_user()
        if user is None:
            return to_sign_in()
        return requirement.lead_to_it(user) or view(*args, **kwargs)

    guarded.is_for_members = True  # type: ignore[attr-defined]
    return guarded


def confirmed_members_only(view: Callable[P, AnyResponse]) -> Callable[P, AnyResponse]:
    """Like `members_only`, and ask members who signed in some time ago to confirm that it is them.

    A form that they opened in time may be sent later.
    """

    @wraps(view)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> AnyResponse:
        return view(*args, **kwargs) if is_fresh(when_opened=request.method == "POST") else to_confirm()

    return members_only(guarded)


def confirmed_with_second_factor(view: Callable[P, AnyResponse]) -> Callable[P, AnyResponse]:
    """Like `confirmed_members_only`, except for members with nothing but a password, for which the form asks."""
    confirmed, unconfirmed = confirmed_members_only(view), members_only(view)

    @wraps(view)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> AnyResponse:
        user = signed_in_user()
        asks_itself = user is None or local_sign_in.has_only_password(user)
        return (unconfirmed if asks_itself else confirmed)(*args, **kwargs)

    guarded.is_for_members = True  # type: ignore[attr-defined]
    return guarded


def visitors_only(view: Callable[P, AnyResponse]) -> Callable[P, AnyResponse]:
    """Redirect members who are already signed in to where they wanted to go."""

    @wraps(view)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> AnyResponse:
        if request.method != "POST" and signed_in_user():
            return redirect(safe_next(request.args.get("next")) or url_for("accounts.account"))
        return view(*args, **kwargs)

    return guarded


def init_app(app: Flask) -> None:
    """Handle forms without a valid CSRF token."""
    app.register_error_handler(CSRFError, stale_form)


def stale_form(_: CSRFError) -> AnyResponse:
    """Show an expired form again, with what was entered, except passwords."""
    try:
        return _shown_again()
    except Exception as error:  # noqa: BLE001 - Flask does not handle what an error handler raises
        return current_app.make_response(current_app.handle_user_exception(error))


def _shown_again() -> AnyResponse:
    """Return the expired form.

    A form sent by another site is not shown again: its reader would submit what that site filled in as their own.
    """
    view: Any = current_app.view_functions.get(request.endpoint or "")
    if wants_json() or _comes_from_elsewhere() or not hasattr(view, "show_form"):
        return http_error(CSRFError(STALE + "Go back, reload the page and submit the form again."))
    if getattr(view, "is_for_members", False) and signed_in_user() is None:
        return _signed_out()
    g.stale_form = STALE + "Check what you entered and submit it again."
    response: AnyResponse = view.show_form(**(request.view_args or {}))
    return response


def _page(template: str, form: SiteForm, context: Context, code: int) -> Response:
    stale = g.get("stale_form")
    response = make_response(render_template(template, form=form, stale=stale, **context))
    response.status_code = code
    response.headers["Cache-Control"] = "no-store"
    return response


def _signed_out() -> Response:
    typed = {
        name: value
        for name, value in request.form.items()
        if "password" not in name and name not in ("csrf_token", "next") and value.strip()
    }
    response = make_response(render_template("accounts/signed_out.html", typed=typed))
    response.status_code = 400
    response.headers["Cache-Control"] = "no-store"
    return response


def _comes_from_elsewhere() -> bool:
    """Tell whether another site sent this form, as every modern browser says."""
    if request.headers.get("Sec-Fetch-Site") in ("cross-site", "same-site"):
        return True
    source = request.headers.get("Origin") or request.headers.get("Referer")
    return bool(source) and _host(source or "") != request.host


def _host(address: str) -> str | None:
    try:
        return urlsplit(address).netloc
    except ValueError:
        return None
