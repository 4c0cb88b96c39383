from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from bson.datetime_ms import DatetimeMS
from flask import Flask, render_template_string

from webapp.serving import filters

NO_DATES: list[Any] = [None, "", "2024-03-01", 5, 1e300, {}, [], DatetimeMS(2**62)]


@pytest.mark.parametrize(
    ("when", "shown", "exact"),
    [
        (datetime(2024, 3, 1, 12, 0, 5, tzinfo=UTC), "1 Mar 2024", "2024-03-01 12:00:05 UTC"),
        (datetime(2024, 3, 1, 12, 0, tzinfo=UTC).replace(tzinfo=None), "1 Mar 2024", "2024-03-01 12:00:00 UTC"),
        (datetime(2024, 3, 1, 1, 0, tzinfo=timezone(timedelta(hours=2))), "29 Feb 2024", "2024-02-29 23:00:00 UTC"),
    ],
)
def test_day_is_short_with_the_exact_time_in_utc_on_hover(when: datetime, shown: str, exact: str) -> None:
    html = filters.day(when)

    iso = exact.replace(" UTC", "Z").replace(" ", "T")
    assert html == f'<time datetime="{iso}" title="{exact}">{shown}</time>'


@pytest.mark.parametrize("odd", NO_DATES)
def test_what_is_no_date_is_shown_as_nothing(odd: Any) -> None:
    assert filters.day(odd) == filters.moment(odd) == filters.isoformat(odd) == filters.rfc822(odd) == ""


def test_times_have_the_forms_of_texts_sitemaps_and_feeds() -> None:
    when = datetime(2024, 3, 1, 12, 0, 5, tzinfo=UTC)

    assert filters.moment(when) == '<span class="whole">2024-03-01 12:00 UTC</span>'
    assert filters.isoformat(when) == "2024-03-01T12:00:05Z"
    assert filters.rfc822(when) == "Fri, 01 Mar 2024 12:00:05 +0000"


@pytest.mark.parametrize(
    "when", [datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)]
)
def test_first_and_last_date_of_python_are_shown(when: datetime) -> None:
    assert str(filters.day(when)).startswith("<time")
    assert filters.moment(when)
    assert filters.isoformat(when)


@pytest.mark.parametrize(
    ("number", "shown"),
    [(0, "0"), (999, "999"), (1000, "1,000"), (2**63, "9,223,372,036,854,775,808"), ("7", ""), (None, "")],
)
def test_whole_numbers_are_grouped(number: Any, shown: str) -> None:
    assert filters.grouped(number) == shown


@pytest.mark.parametrize(
    ("size", "shown"),
    [
        (0, "0 bytes"),
        (1, "1 byte"),
        (999, "999 bytes"),
        (1000, "1.0 kB"),
        (57_540, "57.5 kB"),
        (999_949, "999.9 kB"),
        (999_950, "1.0 MB"),
        (8_700_000, "8.7 MB"),
        (999_999_999, "1.0 GB"),
        (10**12, "1.0 TB"),
        (2**63 - 1, "9.2 EB"),
        (-5, "-5 bytes"),
        (-57_540, "-57.5 kB"),
        (None, ""),
        ("5", ""),
        (5.5, ""),
    ],
)
def test_sizes_have_the_unit_that_reads_best(size: Any, shown: str) -> None:
    assert filters.filesize(size) == shown


@pytest.mark.parametrize(
    "url",
    ["https://example.org", "http://example.org:8080/a?b=c#d", "https://user@example.org/ü", "HTTPS://EXAMPLE.ORG"],
)
def test_addresses_of_web_pages_are_links(url: str) -> None:
    assert filters.safe_link(f" {url} ") == url


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "JavaScript:alert(1)",
        "java\nscript:alert(1)",
        "\x01javascript:alert(1)",
        "data:text/html,x",
        "vbscript:x",
        "file:///etc/passwd",
        "mailto:a@example.org",
        "//example.org",
        "/project/",
        "example.org",
        "",
        "http:",
        "http://",
        "https:///path",
        "http://[::1",
        "https://example.org/\r\nX: 1",
        "https://example.org/\x00",
        "https://\u202egro",
        None,
        5,
        b"https://example.org",
        ["https://example.org"],
    ],
)
def test_everything_else_is_no_link(url: Any) -> None:
    assert filters.safe_link(url) == ""


@pytest.mark.parametrize(
    ("address", "link"),
    [
        ("ada@example.org", "mailto:ada@example.org"),
        (" ada.l+x_y-z@mail.example.org ", "mailto:ada.l+x_y-z@mail.example.org"),
        ("a@example.org, b@example.org", ""),
        ("Ada <ada@example.org>", ""),
        ("ada@example.org?bcc=x@example.org", ""),
        ("ada@localhost", ""),
        ("ada@example.org\nbcc:x", ""),
        ("", ""),
        (None, ""),
    ],
)
def test_one_plain_address_is_a_link_to_write_to(address: Any, link: str) -> None:
    assert filters.mailto(address) == link


@pytest.mark.parametrize(
    ("url", "host"),
    [("https://www.GitHub.com/a", "github.com"), ("http://a.example.org:80", "a.example.org"), ("x", "")],
)
def test_host_is_named_as_readers_know_it(url: str, host: str) -> None:
    assert filters.host_of(url) == host


@pytest.mark.parametrize(
    ("text", "kept"), [("a\x00b\x0bc\ufffed", "abcd"), ("a\tb\n", "a\tb\n"), ("ü😀", "ü😀"), (5, "")]
)
def test_characters_that_xml_cannot_contain_are_left_out(text: Any, kept: str) -> None:
    assert filters.xml_text(text) == kept


@pytest.mark.parametrize(
    ("site_url", "address"),
    [
        ("", "http://packages.test/project/a%20b/"),
        ("https://example.org", "https://example.org/project/a%20b/"),
        ("https://example.org/", "https://example.org/project/a%20b/"),
    ],
)
def test_absolute_address_is_on_site_url_where_it_is_set(
    site: Flask, monkeypatch: pytest.MonkeyPatch, site_url: str, address: str
) -> None:
    monkeypatch.setitem(site.config, "SITE_URL", site_url)

    with site.test_request_context("/", base_url="http://packages.test"):
        assert filters.absolute_url("packages.project", name="a b") == address


def test_address_of_a_static_file_changes_with_the_site(site: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    with site.test_request_context("/"):
        before = filters.static_url("css/larder.css")
        monkeypatch.setitem(site.extensions, "build", b"another build")
        after = filters.static_url("css/larder.css")

    assert before.startswith("/static/css/larder.css?v=")
    assert before != after


def test_links_of_a_page_begin_where_the_site_is_mounted(site: Flask) -> None:
    addresses = []
    for mount in ("", "/larder", ""):
        with site.test_request_context("/", base_url=f"http://packages.test{mount}"):
            addresses.append(render_template_string("{{ url_for('home.about') }} {{ url_for('stats.index', x=1) }}"))

    assert addresses == ["/about /stats/?x=1", "/larder/about /larder/stats/?x=1", "/about /stats/?x=1"]
