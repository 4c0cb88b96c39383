"""`make bench NAME=search_quality`: whether a search over the 72 real packages finds what a person expects.

Each query has the answers that would do. What counts is the place of the first one on the page, a hint at a slip of the
finger ("Did you mean ...?") included, because a reader sees it first; 1 divided by it, averaged, is the mean reciprocal
rank: 1.0 when every query's answer comes first, 0.5 when it comes second.
"""

import argparse
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from bs4 import BeautifulSoup
from flask.testing import FlaskClient

from benchmarks.packages import REAL, fill
from config import Config
from webapp import create_app
from webapp.changes import search_index
from webapp.mongodb import embedded

GOAL = 0.9

BY_NAME = {
    "click": "click", "Jinja2": "jinja2", "jinja": "jinja2", "beautiful soup": "beautifulsoup4",
    "beautifulsoup": "beautifulsoup4", "BeautifulSoup4": "beautifulsoup4", "websocket_client": "websocket-client",
    "websocket.client": "websocket-client", "websocket client": "websocket-client",
    "WEBSOCKET-CLIENT": "websocket-client",
    "pytest": "pytest", "pytest runner": "pytest-runner", "markup safe": "markupsafe", "MarkupSafe": "markupsafe",
    "pyasn1 modules": "pyasn1-modules", "py": "py", "aws cli": "awscli", "aws": "awscli", "boto": "botocore",
    "s3": "s3transfer", "oauth2": "oauth2client", "elastic": "elasticsearch", "yaml": "pyyaml", "openssl": "pyopenssl",
    "simple json": "simplejson", "json schema": "jsonschema", "psycopg": "psycopg2", "virtual env": "virtualenv",
}  # fmt: skip
BY_PURPOSE = {
    "parse command line arguments": "argparse docopt click",
    "command line interface toolkit": "click docopt argparse",
    "http client": "urllib3 httplib2 websocket-client",
    "http library connection pool": "urllib3",
    "template engine": "jinja2",
    "yaml parser": "pyyaml",
    "html parser screen scraping": "beautifulsoup4",
    "postgresql driver": "psycopg2",
    "postgres database adapter": "psycopg2",
    "redis client": "redis",
    "syntax highlighting": "pygments",
    "unit testing framework": "pytest nose",
    "test coverage": "coverage",
    "code style checker": "pycodestyle pep8 flake8",
    "lint": "flake8 pyflakes pycodestyle mccabe",
    "cyclomatic complexity": "mccabe",
    "ssh": "paramiko",
    "cryptographic recipes": "cryptography",
    "tls ssl wrapper": "pyopenssl",
    "rsa implementation": "rsa",
    "character encoding detection": "chardet",
    "internationalization": "babel",
    "system monitoring processes": "psutil",
    "wsgi http server": "gunicorn",
    "foreign function interface c": "cffi",
    "c parser": "pycparser",
    "messaging library amqp": "kombu amqp",
    "lightweight coroutines": "greenlet",
    "numpy scientific computing": "scipy",
    "colored terminal text": "colorama",
    "protocol buffers": "protobuf",
    "download packages": "pip setuptools",
    "isolated python environments": "virtualenv",
    "backport enum": "enum34",
    "backport concurrent futures": "futures",
    "python 2 and 3 compatibility": "future",
    "internationalized domain names": "idna",
    "ip address manipulation": "ipaddress",
    "asn.1 types": "pyasn1 asn1crypto pyasn1-modules",
    "json query language": "jmespath",
    "monkey patching decorators wrappers": "wrapt",
    "control interactive programs": "pexpect",
    "sign data untrusted environments": "itsdangerous",
    "restructuredtext documentation": "docutils",
    "application data directory": "appdirs",
    "version comparison pep 440": "packaging",
    "author:ronacher template": "jinja2",
    "author:petrov license:mit http": "urllib3",
    '"processing documentation"': "docutils",
}  # fmt: skip
WITH_TYPOS = {
    "urlib3": "urllib3", "clikc": "click", "jinaj2": "jinja2", "pytset": "pytest",
    "setuptool": "setuptools", "setuptols": "setuptools", "beautifulsop": "beautifulsoup4",
    "cryptograhpy": "cryptography",
    "elasticsaerch": "elasticsearch", "gunicron": "gunicorn", "virutalenv": "virtualenv", "pygmnets": "pygments",
    "parmaiko": "paramiko", "simplejsno": "simplejson",
    "markpusafe": "markupsafe", "websoket-client": "websocket-client",
    "pyparsign": "pyparsing", "wensocketclient": "websocket-client", "websocketclient": "websocket-client",
    "pytestrunner": "pytest-runner", "syntax higlighting": "pygments", "tempalte engine": "jinja2",
    "botocroe": "botocore",
}  # fmt: skip


class Answer(NamedTuple):
    """What became of one query."""

    kind: str
    query: str
    expected: set[str]
    shown: list[str]  # normalized names, from the top of the page

    @property
    def place(self) -> int | None:
        """The place of the first answer that a person expects."""
        return next((number for number, name in enumerate(self.shown, 1) if name in self.expected), None)

    @property
    def reciprocal(self) -> float:
        """1 for the first place, 1/2 for the second, 0 when it is not on the first page."""
        return 1 / self.place if self.place else 0.0


def main() -> None:
    """Ask every query, and print what did not come first, and the means."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--all", action="store_true", help="print every query")
    chosen = options.parse_args()
    if not REAL.is_dir():
        sys.exit(f"The real packages are not at hand: {REAL}")
    with tempfile.TemporaryDirectory() as folder:
        uri = embedded.acquire(Path(folder) / "mongodb")
        site = create_app(type("Quality", (Config,), {"MONGODB_URI": uri, "PAGE_CACHE_S": 0, "SEARCH_LIMIT": ""}))
        with site.app_context():
            packages = fill()
            search_index.rebuild()
            kinds = (("by name", BY_NAME), ("by purpose", BY_PURPOSE), ("with typos", WITH_TYPOS))
            answers = [
                Answer(kind, query, set(expected.split()), shown(site.test_client(), query))
                for kind, queries in kinds
                for query, expected in queries.items()
            ]
        embedded.release()
    report(answers, packages, everything=chosen.all)


def shown(client: FlaskClient, query: str) -> list[str]:
    """Return the names that a reader sees on the first page, from the top: a hint first."""
    page = BeautifulSoup(client.get("/search/", query_string={"q": query}).text, "html.parser")
    hints = [str(link["data-name"]) for link in page.select("[data-name]")]
    links = [str(link["href"]).split("/")[2] for link in page.select(".package-link")]
    return list(dict.fromkeys([*hints, *links]))


def report(answers: Iterable[Answer], packages: str, *, everything: bool) -> None:
    """Print the table."""
    answers = list(answers)
    print(f"{packages}, {len(answers)} queries\n")
    for answer in answers:
        if everything or answer.place != 1:
            where = f"place {answer.place}" if answer.place else "not found"
            print(f"{where:10} {answer.query!r}: {', '.join(answer.shown[:5]) or 'nothing'}")
    print(f"\n{'':12}{'queries':>8}{'first':>8}{'mean reciprocal rank':>22}")
    for kind in [*dict.fromkeys(answer.kind for answer in answers), "all"]:
        rows = [answer for answer in answers if kind in (answer.kind, "all")]
        mean = sum(row.reciprocal for row in rows) / len(rows)
        print(f"{kind:12}{len(rows):8}{sum(row.place == 1 for row in rows):8}{mean:22.3f}")
    print(f"\nTo reach: {GOAL}. {'Reached.' if mean >= GOAL else 'NOT reached.'}")


if __name__ == "__main__":
    main()
