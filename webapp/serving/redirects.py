"""Redirects within the site name a path alone, so they hold behind every proxy and whatever SITE_URL says."""

from urllib.parse import urlsplit

from flask import Flask, Response, request


def init_app(app: Flask) -> None:
    """Look at every redirect."""
    app.after_request(stay_on_the_readers_host)


def stay_on_the_readers_host(response: Response) -> Response:
    """Take the host of the request out of a redirect: a proxy may have asked by another one, over plain HTTP.

    A path is enough (RFC 9110, section 10.2.2).
    """
    location = response.headers.get("Location", "")
    if location.startswith(request.host_url):
        address = urlsplit(location)
        response.headers["Location"] = address._replace(scheme="", netloc="").geturl()
    return response
