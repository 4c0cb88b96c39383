"""Template filters and functions for dates, numbers, sizes and links."""

import re
from datetime import UTC, datetime
from email.utils import format_datetime
from functools import lru_cache
from typing import Any
from urllib.parse import quote, urlsplit

from bson import tz_util
from flask import Flask, current_app, g, request, url_for
from markupsafe import Markup

from config import BadConfig
from webapp.documents.release import FORMER_OWN_FILES, OWN_FILES, is_own
from webapp.serving.charts import columns
from webapp.serving.pagination import page_numbers
from webapp.serving.per_app import PerApp

# Characters that XML 1.0 cannot contain (section 2.2).
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
# What `safe_link` need not examine further: most addresses, in a tenth of the time.
_USUAL_URL = re.compile(r"https?://[a-z0-9][a-z0-9.-]*/[A-Za-z0-9._/+~-]*").fullmatch
_MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
_PLAIN = re.compile(r"[A-Za-z0-9._-]+").fullmatch
# What `file_link` need not quote: nearly all paths, in a third of the time.
_PLAIN_PATH = re.compile(r"[A-Za-z0-9._/+!~-]*").fullmatch


# A digest of the site's own files, and the icons that were drawn so far.
build = PerApp[bytes]("build")
icons = PerApp[dict[str, Markup]]("icons")


def init_app(app: Flask) -> None:
    """Register the filters and functions. Raises BadConfig if SITE_URL is not an address."""
    _check_site_url(app.config["SITE_URL"])
    icons.set(app, {})
    for function in (
        day,
        moment,
        rfc822,
        isoformat,
        grouped,
        filesize,
        columns,
        safe_link,
        file_link,
        xml_text,
        host_of,
        host_name,
        mailto,
    ):
        app.add_template_filter(function)
    app.add_template_global(page_numbers)
    app.add_template_global(absolute_url)
    app.add_template_global(project_link)
    app.add_template_global(icon)
    app.add_template_global(compare_link)
    app.add_template_global(static_url)
    app.add_template_global(address, "url_for")


def _check_site_url(address: str) -> None:
    """Refuse an address that links in pages and mails cannot start with."""
    try:
        parts = urlsplit(address)
        is_fine = parts.scheme in ("http", "https") and bool(parts.hostname) and not parts.query + parts.fragment
        _ = parts.port
    except ValueError:
        is_fine = False
    if address and not is_fine:
        raise BadConfig(f"SITE_URL is {address!r}; expected an address such as https://packages.example.org")


def icon(name: str) -> Markup:
    """Return an icon of macros/icons.html, which is rendered once: a page has some thirty."""
    drawn_icons = icons()
    if name not in drawn_icons:
        drawn = current_app.jinja_env.get_template("macros/icons.html").make_module()
        drawn_icons[name] = getattr(drawn, "icon")(name)  # noqa: B009 - mypy knows no macros
    return drawn_icons[name]


def day(when: Any) -> Markup | str:
    """Return a date as a <time> element: "3 Mar 2024", the exact time in UTC on hover; a script makes it local."""
    if not isinstance(when, datetime):
        return ""
    utc, iso = _utc(when), isoformat(when)
    moment_utc = f"{iso[:10]} {iso[11:19]} UTC"
    # None of this is user input, so it needs no escaping; Markup.format takes five times as long.
    html = f'<time datetime="{iso}" title="{moment_utc}">{utc.day} {_MONTHS[utc.month - 1]} {utc.year}</time>'
    return Markup(html)  # noqa: S704 - see above


def moment(when: Any) -> Markup | str:
    """Return a time that stays on one line: "2024-03-01 12:00 UTC"."""
    if not isinstance(when, datetime):
        return ""
    return Markup(f'<span class="whole">{_utc(when):%Y-%m-%d %H:%M} UTC</span>')  # noqa: S704 - no user input


def isoformat(when: Any) -> str:
    """Return a time as ISO 8601: "2024-03-01T12:00:00Z"; empty if there is none."""
    # A third of the time of strftime: a large answer has thousands of them.
    return f"{_utc(when).isoformat(timespec='seconds')[:19]}Z" if isinstance(when, datetime) else ""


def exact_time(when: Any) -> str:
    """Return a time as PEP 700 wants it: "2024-03-01T12:00:00.123000Z"; empty if there is none."""
    return f"{_utc(when).isoformat(timespec='microseconds')[:26]}Z" if isinstance(when, datetime) else ""


def rfc822(when: Any) -> str:
    """Return a time as feeds want it (RFC 822): "Fri, 01 Mar 2024 12:00:00 +0000"."""
    return format_datetime(_utc(when)) if isinstance(when, datetime) else ""


def grouped(number: Any) -> str:
    """Return a whole number in groups of three digits: "12,345"."""
    return f"{number:,}" if isinstance(number, int) else ""


def filesize(size_bytes: Any) -> str:
    """Return a size in the unit that reads best: "57.5 kB" (1 kB = 1,000 bytes)."""
    if not isinstance(size_bytes, int):
        return ""
    if abs(size_bytes) < 1000:
        return f"{size_bytes} bytes" if size_bytes != 1 else "1 byte"
    size = float(size_bytes)
    units = iter(("kB", "MB", "GB", "TB", "PB", "EB"))
    unit = next(units)
    size /= 1000
    while abs(size) >= 999.95:
        unit = next(units)
        size /= 1000
    return f"{size:.1f} {unit}"


def safe_link(url: Any) -> str:
    """Return the address if it leads to a web page, otherwise an empty string: authors can write anything there."""
    if not isinstance(url, str):
        return ""
    url = url.strip()
    if _USUAL_URL(url):
        return url
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    is_web = parts.scheme in ("http", "https") and parts.hostname and url.isprintable()
    return url if is_web else ""


def file_link(url: Any) -> str:
    """Return the address of a file. Files stored here start at the root of this site; for others see `safe_link`."""
    if isinstance(url, str) and is_own(url):
        path = OWN_FILES + url.removeprefix(OWN_FILES).removeprefix(FORMER_OWN_FILES)
        return request.script_root + (path if _PLAIN_PATH(path) else quote(path, safe="/+!~"))
    return safe_link(url)


def absolute_file_link(url: Any) -> str:
    """Return the absolute address of a file, based on SITE_URL if that is set."""
    link = file_link(url)
    return site_url() + link if link.startswith("/") else link


def mailto(address: Any) -> str:
    """Return a mailto: link for one plain address, otherwise an empty string."""
    plain = isinstance(address, str) and re.fullmatch(r"[\w.+-]+@[\w-]+(\.[\w-]+)+", address.strip(), re.ASCII)
    return f"mailto:{address.strip()}" if plain else ""


def host_of(url: str) -> str:
    """Return the host of an address as readers recognize it, such as "github.com"."""
    return (urlsplit(url).hostname or "").removeprefix("www.")


def host_name(url: str) -> str:
    """Return the host of an address as a netrc file names it: without a port."""
    return urlsplit(url).hostname or ""


def xml_text(text: Any) -> str:
    """Return text without the characters that XML cannot contain."""
    return _NOT_XML.sub("", text) if isinstance(text, str) else ""


def address(endpoint: str, **values: Any) -> str:
    """Return the address of a page, like Flask's url_for, but addresses without values are looked up only once.

    A page has some twenty such links; url_for takes 9 us for each.
    """
    return url_for(endpoint, **values) if values else _fixed_address(endpoint, request.script_root)


@lru_cache(maxsize=1000)
def _fixed_address(endpoint: str, _script_root: str, **values: Any) -> str:
    # url_for takes the root from the request; here it is part of the cache key.
    return url_for(endpoint, **values)


def absolute_url(endpoint: str, **values: Any) -> str:
    """Return the absolute address of a page, based on SITE_URL if that is set."""
    return site_url() + url_for(endpoint, **values)


def project_link(name: str, version: str | None = None) -> str:
    """Return the address of a project's or release's page, as url_for does, in a tenth of the time."""
    parts = (name, version) if version else (name,)
    if not all(map(_PLAIN, parts)):
        return url_for("packages.project", name=name, version=version)
    if "project_links" not in g:
        g.project_links = url_for("packages.project", name="NAME").removesuffix("NAME/")
    return f"{g.project_links}{'/'.join(parts)}/"


def compare_link(name: str, old: str, new: str) -> str:
    """Return the address of the page that compares two releases. A history has fifty of them."""
    return f"{project_link(name)}compare/{quote(old)}...{quote(new)}"


def site_url() -> str:
    """Return the address at which readers reach the site: SITE_URL, or the request's own, without a final slash."""
    base: str = current_app.config["SITE_URL"] or request.host_url
    return base.rstrip("/")


def static_url(filename: str, endpoint: str = "static") -> str:
    """Return the address of a static file, which changes with the site's code so that caches may keep it for long."""
    version = build().hex()[:8]
    return _fixed_address(endpoint, request.script_root, filename=filename, v=version)


def _utc(when: datetime) -> datetime:
    if when.tzinfo is tz_util.utc or when.tzinfo is UTC:
        return when
    return when.astimezone(UTC) if when.tzinfo else when.replace(tzinfo=UTC)
