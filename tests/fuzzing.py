"""Requests of all kinds at every route, from nobody, a member and an administrator; a seed repeats them.

What requests are made of comes from the site itself, so that a new page is covered when it is there: the routes from
`url_map`, the names of fields from the forms that the pages show. To it comes what breaks programs.
"""

import io
import json
import random
from collections import Counter
from typing import Any

from bs4 import BeautifulSoup
from flask import Flask
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from tests import factories, people
from webapp.documents import Maintainer, User
from webapp.pages.defaults import add_default_pages

# What a part of an address may be, by the name that its route gives it; new names begin with what every part may be.
VALUES = {
    "name": ["example", "Example", "numpy", "-", "a" * 300],
    "version": ["1.0", "1.0.0", "2.0rc1", "1!1.0+local", "0.9-horsea"],
    "license_id": ["MIT", "mit"],
    "language_id": ["c", "python"],
    "classifier": ["Topic :: X", "topic"],
    "id_or_username": ["ada", "ADA", "64b7f0c2a8f4e3b5c6d7e8f9"],
    "user_id": ["64b7f0c2a8f4e3b5c6d7e8f9"],
    "path": ["company/history", "company", "../../etc/passwd"],
    "filename": ["css/larder.css", "js/", "example-1.0-py3-none-any.whl"],
    "number": ["0", "1", "99999999999999999999"],
    "first": ["aa"],
    "second": ["aa", "zz"],
    "rest": ["a" * 60],
    "sha256": ["a" * 64],
    "publisher_id": ["64b7f0c2a8f4e3b5c6d7e8f9"],
    "choice": ["on", "off"],
    "advisory_id": ["PYSEC-2024-1", "CVE-2024-1", "pysec-2024-1"],
    "act": ["promote", "demote", "disable", "enable", "delete", "sign_out"],
}
ODD_TEXTS = [
    "", " ", "0", "1", "-1", "2", "9" * 20, "1e9", "NaN", "null", "true", "[]", "{}", "undefined", "\0", "a\0b",
    "\n", "\r\nX: y",
    "%", "%00", "%ff", "../..", "..\\..", "/", "//", "?", "#", "&", "=", ";", "'", '"', "<script>alert(1)</script>",
    "{{7*7}}",
    "${7*7}", "$where", "$gt", "a.b", ".", "..", "*", "(", "[", "\\", "^(a+)+$", "é", "e\u0301", "ß", "İ", "\ud800",
    "\uffff",
    "\U0001f600", "\u202e", "\ufeff", "x" * 200, "x" * 5000, "javascript:alert(1)", "http://evil.example/",
    "//evil.example/",
    "ada@example.org", "Ada@Example.Org", "a@b", "a@[127.0.0.1]", "name <a@b.c>", "2024-02-30", "Topic :: X", "page",
    "newest",
]  # fmt: skip
QUERY_NAMES = [
    "q",
    "page",
    "order",
    "starts",
    "next",
    "c",
    "o",
    "format",
    "action",
    "who",
    "_method",
    "page[]",
    "$where",
    "",
]
FIELDS = [":action", "protocol_version", "name", "version", "filetype", "pyversion", "content", "metadata_version",
          "sha256_digest", "summary", "username", "password", "email", "token", "csrf_token", "next"]  # fmt: skip
METHODS = [
    "GET",
    "HEAD",
    "POST",
    "PUT",
    "DELETE",
    "PATCH",
    "OPTIONS",
    "TRACE",
    "CONNECT",
    "PROPFIND",
    "get",
    "",
    "G T",
    "\xff",
]
ODD_HEADERS = {
    "Accept": ["*/*", "text/html", "application/json", "application/vnd.pypi.simple.v1+json",
               "application/*;q=0.0001", "q=;,,;",
               "text/html;level=1;q=abc", "image/png", "a/b;" * 500],
    "Accept-Encoding": ["gzip", "br;q=1.0, *;q=0", "identity;q=0", "\xff"],
    "Accept-Language": ["de", "*", "x" * 2000],
    "Authorization": ["Basic", "Basic =", "Basic X190b2tlbl9fOnB5cGktYWJj", "Basic /////w==", "Bearer x",
                      "Digest a=b", "\xff \xff"],
    "Content-Length": ["0", "-1", "5", "99999999999999999999", "abc", "1, 2"],
    "Content-Encoding": ["gzip", "deflate", "nonsense"],
    "Cookie": ["session=x", "__Host-session=.eJw.x.y", "a=b; a=c; =; ;;", "signed_in=1", "remember_token=1|x",
               "x" * 6000, "\xff=\xfe"],
    "Expect": ["100-continue", "the unexpected"],
    "Forwarded": ["for=_hidden;host=evil.example;proto=javascript"],
    "Host": ["evil.example", "", "[::1]:80", "localhost:99999", "a b", "xn--nxasmq6b", "\xff", "localhost:"],
    "If-Match": ["*", '"x"'],
    "If-Modified-Since": ["yesterday", "Thu, 01 Jan 1970 00:00:00 GMT", "Fri, 31 Dec 99999 23:59:59 GMT"],
    "If-None-Match": ["*", '"x"', "W/", '"' * 999],
    "If-Range": ['"x"', "yesterday"],
    "Origin": ["null", "http://evil.example"],
    "Range": ["bytes=0-0", "bytes=-1", "bytes=9-1", "bytes=0-1,3-4,5-", "lines=1-2", "bytes=99999999999999999999-",
              "bytes=a-b"],
    "Referer": ["http://evil.example/", "\xff", "x" * 3000],
    "Transfer-Encoding": ["chunked", "gzip, chunked"],
    "User-Agent": ["", "\xff", "x" * 3000],
    "X-Forwarded-For": ["127.0.0.1", "a, b, c", "::1", "\xff"],
    "X-Forwarded-Proto": ["https", "javascript"],
    "X-Requested-With": ["XMLHttpRequest"],
    "X-Request-Id": ["abc", "a\nb", "x" * 3000, "\xff"],
}  # fmt: skip
CONTENT_TYPES = [
    "application/x-www-form-urlencoded", "multipart/form-data; boundary=b", "application/json", "text/plain",
    "text/xml", "",
    "multipart/form-data", "multipart/form-data; boundary=" + "b" * 500, "application/json; charset=utf-16",
    "nonsense", "\xff",
    "application/octet-stream", "application/x-www-form-urlencoded; charset=nonsense",
]  # fmt: skip


def catalogue() -> None:
    """Something at every kind of address."""
    ada = factories.user("Ada", username="ada")
    filed = {"license": "MIT", "classifiers": ["Topic :: X", "Programming Language :: C"]}
    factories.package("Example", releases=["1.0", "2.0rc1"], maintainers=[Maintainer(user_id=ada.id)], **filed)
    add_default_pages()


PEOPLE = ("nobody", "member", "administrator")


class Fuzzer:
    """Makes requests and sends them, as one of three people."""

    def __init__(self, app: Flask, seed: str) -> None:
        self._app, self._rng = app, random.Random(seed)
        self._rules = [rule for rule in app.url_map.iter_rules() if rule.endpoint != "bootstrap.static"]
        self._browsers: dict[str, people.Browser] = {}
        self._tokens: dict[str, str] = {}
        for who in PEOPLE:
            self._begin(who)
        self._fields = [*FIELDS, *self._fields_of_forms()]

    def send(self) -> tuple[str, TestResponse]:
        """Send the next request; return what was sent, for who wants to send it again, and the answer."""
        rule = self._rng.choice(self._rules)
        who = self._rng.choice(PEOPLE)
        browser = self._browsers[who]
        environ = self._environ(rule)
        headers: dict[str, str] = {}
        for name in self._rng.sample(sorted(ODD_HEADERS), self._rng.choice([0, 0, 1, 2, 4])):
            headers[name] = self._rng.choice(ODD_HEADERS[name])
        if not self._one_in(4):
            headers["X-CSRFToken"] = self._tokens[who]  # which counts where a body has no fields
        body, content_type = b"", ""
        if environ["REQUEST_METHOD"] not in ("GET", "HEAD", "OPTIONS") or self._one_in(20):
            body, content_type = self._body(self._tokens[who])
        environ |= {_key(name): value for name, value in headers.items()}
        if content_type:
            environ.setdefault("CONTENT_TYPE", content_type)
        environ.setdefault("CONTENT_LENGTH", str(len(body)))
        environ["wsgi.input"] = io.BytesIO(body)
        sent = f"{who}: {environ} {body[:300]!r}"
        return sent, browser.open("/", environ_overrides=environ, buffered=True)

    def _environ(self, rule: Rule) -> dict[str, Any]:
        query = [(self._rng.choice(QUERY_NAMES), self._text()) for _ in range(self._rng.choice([0, 0, 1, 2]))]
        query_string = "&".join(f"{name}={_wire(text)}" for name, text in query)
        if self._one_in(30):
            query_string = _wire(self._text())
        methods = sorted(rule.methods or ())
        return {
            "PATH_INFO": _wire(self._path(rule)),
            # No web server lets these through: they end the line that an address stands in.
            "QUERY_STRING": query_string.translate(dict.fromkeys((10, 13, 32), "+")),
            "REQUEST_METHOD": self._rng.choice(METHODS if self._one_in(5) else methods),
            # Another address each time, or the limits would refuse most of what is tried.
            "REMOTE_ADDR": self._rng.choice([f"10.{self._byte()}.{self._byte()}.{self._byte()}", "::1", "", "unix:"]),
        }

    def _path(self, rule: Rule) -> str:
        if self._one_in(30):
            return "/" + "/".join(self._text() for _ in range(self._rng.randrange(4)))
        parts = [self._part(text) if is_dynamic else text for is_dynamic, text in rule._trace]
        path = "".join(parts).removeprefix("|").replace("|", "")
        return path[:-1] if self._one_in(20) else path

    def _part(self, name: str) -> str:
        known = VALUES.get(name, [])
        return self._rng.choice(known) if known and not self._one_in(3) else self._text()

    def _body(self, token: str) -> tuple[bytes, str]:
        content_type = self._rng.choice(CONTENT_TYPES[:3] if not self._one_in(4) else CONTENT_TYPES)
        fields = {self._rng.choice(self._fields): self._value() for _ in range(self._rng.randrange(8))}
        if not self._one_in(4):
            fields["csrf_token"] = token
        if self._one_in(15):
            return self._rng.choice(
                [self._rng.randbytes(300), b"{", b"--b", b"\xff" * 50, b"x" * 1_000_001]
            ), content_type
        if "json" in content_type:
            value = fields if not self._one_in(6) else self._value()
            return json.dumps(value).encode(), content_type
        if "boundary=b" in content_type:
            name = self._rng.choice(["content", "file", "gpg_signature", "", 'a"b'])
            parts = [
                f'--b\r\nContent-Disposition: form-data; name="{key}"\r\n\r\n{text}\r\n' for key, text in fields.items()
            ]
            parts.append(
                f'--b\r\nContent-Disposition: form-data; name="{name}"; filename="{self._text()}"\r\n\r\nPK\x03\x04\r\n'
            )
            return "".join(parts).encode("utf-8", "replace") + b"--b--\r\n" * (not self._one_in(5)), content_type
        return "&".join(f"{key}={_wire(str(text))}" for key, text in fields.items()).encode(
            "latin-1", "replace"
        ), content_type

    def _text(self) -> str:
        if self._one_in(4):
            return "".join(chr(self._rng.randrange(1, 0x250)) for _ in range(self._rng.randrange(12)))
        return self._rng.choice(ODD_TEXTS)

    def _value(self) -> Any:
        return self._text() if not self._one_in(5) else self._rng.choice([5, [], {"$gt": ""}, None, True])

    def renew(self) -> None:
        """Now and then, let a person begin anew: what they did may have signed them out, or ended their account."""
        if self._one_in(20):
            self._begin(self._rng.choice(PEOPLE))

    def _begin(self, who: str) -> None:
        browser = people.browser(self._app)
        if who != "nobody":
            with self._app.app_context():
                User.objects(email=f"{who}@example.org").delete()
                people.member(who, is_admin=who == "administrator")
            address = f"10.9.{self._byte()}.{self._byte()}"
            signed_in = browser.sign_in(f"{who}@example.org", environ_base={"REMOTE_ADDR": address})
            assert signed_in.status_code == 302, signed_in.text
        self._browsers[who] = browser
        self._tokens[who] = browser.token("/account/profile" if who != "nobody" else "/account/login")

    def _fields_of_forms(self) -> list[str]:
        names = set()
        for rule in self._rules:
            if "GET" in (rule.methods or ()) and not rule.arguments:
                page = self._browsers["administrator"].get(rule.rule, buffered=True)
                if page.mimetype == "text/html":
                    fields = BeautifulSoup(page.text, "html.parser").select("form [name]")
                    names |= {str(field["name"]) for field in fields}
        return sorted(names)

    def _one_in(self, number: int) -> bool:
        return self._rng.randrange(number) == 0

    def _byte(self) -> int:
        return self._rng.randrange(256)


def _wire(text: str) -> str:
    """Text as it stands in a WSGI environment: its bytes, each as one character (PEP 3333)."""
    return text.encode("utf-8", "surrogatepass").decode("latin-1")


def _key(header: str) -> str:
    name = header.upper().replace("-", "_")
    return name if name in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{name}"


def fuzz(app: Flask, seed: str, requests: int) -> tuple[dict[int, int], list[str]]:
    """Send so many requests; return how often each status came, and the requests that broke the site."""
    catalogue()
    fuzzer = Fuzzer(app, seed)
    statuses, broken = Counter[int](), []
    for _ in range(requests):
        fuzzer.renew()
        sent, response = fuzzer.send()
        statuses[response.status_code] += 1
        if response.status_code >= 500:
            broken.append(f"{response.status}: {sent}")
    return dict(sorted(statuses.items())), broken
