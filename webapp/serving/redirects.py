"""Redirects within the site contain only a path, so they work behind every proxy and with any SITE_URL."""

from urllib.parse import urlsplit

from flask import Flask, Response, request


def init_app(app: Flask) -> None:
    """Check every redirect."""
    app.after_request(stay_on_the_readers_host)


def stay_on_the_readers_host(response: Response) -> Response:
    """Remove the host of the request from a redirect: a proxy may have used another one, over plain HTTP.

    A path is enough (RFC 9110, section 10.2.2). What was made or found has its whole address in `Location`, as in the
    body: programs pass it on.
    """
    location = response.headers.get("Location", "")
    if 300 <= response.status_code < 400 and location.startswith(request.host_url):
        address = urlsplit(location)
        response.headers["Location"] = address._replace(scheme="", netloc="").geturl()
    return response
