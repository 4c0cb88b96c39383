"""The security headers of every answer."""

from flask import Flask, Response, abort, request
from werkzeug.middleware.proxy_fix import ProxyFix

# Everything comes from the site itself: no other hosts, no inline scripts, no inline styles.
CONTENT_SECURITY_POLICY = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self' data:",  # Bootstrap's stylesheet contains its small icons as data: addresses
    "font-src": "'self'",
    "connect-src": "'self'",
    "form-action": "'self'",
    "base-uri": "'none'",
    "frame-ancestors": "'none'",
}

HEADERS = {
    "Content-Security-Policy": "; ".join(f"{name} {value}" for name, value in CONTENT_SECURITY_POLICY.items()),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "strict-origin-when-cross-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Cross-Origin-Opener-Policy": "same-origin",
}

# On an HTTPS-only site, browsers must not try HTTP for a year.
STRICT_TRANSPORT = {"Strict-Transport-Security": "max-age=31536000"}


def init_app(app: Flask) -> None:
    """Refuse requests for an invalid address, and add the headers to every answer that does not set them itself."""
    headers = HEADERS | (STRICT_TRANSPORT if app.config["HTTPS_ONLY"] else {})
    if proxies := app.config["TRUSTED_PROXIES"]:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=proxies, x_proto=proxies)  # type: ignore[method-assign]

    @app.before_request
    def refuse_bad_address() -> None:
        # Werkzeug empties an invalid host (RFC 9112, section 3.2), but pages contain their own address.
        if not request.host:
            abort(400, "The request names no valid host.")
        try:
            request.args  # noqa: B018 - which Werkzeug decodes when somebody asks for them
        except UnicodeDecodeError:
            abort(400, "What follows the question mark is not text in UTF-8.")

    @app.after_request
    def add_headers(response: Response) -> Response:
        present = {name.lower() for name in response.headers.keys()}  # noqa: SIM118 - without it, pairs
        for name, value in headers.items():
            if name.lower() not in present:
                response.headers.add(name, value)
        return response
