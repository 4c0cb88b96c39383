"""What `/help/api` says of each address for programs. A test sends every call and compares the answer."""

from typing import NamedTuple

JSON, TEXT, RSS, XML = "application/json", "text/plain", "application/rss+xml", "application/xml"
SIMPLE = "application/vnd.pypi.simple.v1+json"


class Call(NamedTuple):
    """A call: the address with words in capitals for what differs, how curl makes it, and what is answered.

    `shows` are the keys of a JSON object, or what the text of another answer contains.
    """

    address: str
    says: str
    kind: str
    shows: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    status: int = 200

    @property
    def method(self) -> str:
        """The method that curl chooses by these options."""
        return "POST" if {"-d", "-F", "--data-binary"} & set(self.options) else "GET"


_TOKEN = ("-u", "__token__:TOKEN")
_SEND_JSON = ("-H", "Content-Type: application/json", "-d")
SESSION = "application/vnd.pypi.upload.v2+json"
_SEND_SESSION = ("-H", f"Content-Type: {SESSION}", "-d")
PROBLEM = "application/problem+json"
_ANNOUNCED = (
    '{"meta": {"api-version": "2.0"}, "filename": "WHEEL", "size": 1000, "hashes": {"sha256": "SHA256"}, '
    '"mechanism": "http-post-bytes"}'
)
_ASK_JSON = ("-H", "Accept: application/json")

CALLS: dict[str, tuple[Call, ...]] = {
    "Install": (
        Call("/simple/", "All projects (PEP 691).", SIMPLE, ("meta", "projects"), ("-H", f"Accept: {SIMPLE}")),
        Call(
            "/simple/NAME/",
            "The files of a project. Without this header the answer is HTML (PEP 503).",
            SIMPLE,
            ("meta", "name", "versions", "files"),
            ("-H", f"Accept: {SIMPLE}"),
        ),
        Call("/packages/PLACE/FILENAME", "A file; its address is in the list of files.", "application/octet-stream"),
        Call("/files/PLACE/FILENAME", "The same file, at its old address.", "application/octet-stream"),
        Call(
            "/integrity/NAME/VERSION/FILENAME/provenance",
            "The attestations of a file (PEP 740); 404 if it has none.",
            JSON,
            ("message",),
            status=404,
        ),
        Call(
            "/upstream/NAME/SHA256/FILENAME",
            "A file of another index, where the site has one; otherwise 404.",
            JSON,
            ("message",),
            status=404,
        ),
    ),
    "Metadata": (
        Call(
            "/pypi/NAME/json",
            "A project and its latest release.",
            JSON,
            ("info", "last_serial", "releases", "urls", "vulnerabilities"),
        ),
        Call("/pypi/NAME/VERSION/json", "One release.", JSON, ("info", "last_serial", "urls", "vulnerabilities")),
        Call("/search/suggest?q=TEXT", "Names that start with a text.", JSON),
        Call("/stats/", "The counts of the site.", JSON, (), _ASK_JSON),
        Call("/pypi", "XML-RPC is gone; the answer says so.", "text/xml", ("methodResponse",), ("-d", "<x/>")),
        Call("/RPC2", "The same, at its older address.", "text/xml", ("methodResponse",), ("-d", "<x/>")),
    ),
    "Publish": (
        Call(
            "/legacy/",
            "Upload a file, as twine and uv do. A refusal is one line that says why.",
            TEXT,
            ("was published",),
            (*_TOKEN, "-F", ":action=file_upload", "-F", "protocol_version=1", "-F", "content=@FILENAME"),
        ),
        Call(
            "/pypi/NAME/VERSION/yank",
            "Yank a release, with a token that may yank.",
            TEXT,
            ("Yanked",),
            (*_TOKEN, "-F", "reason=It is broken"),
        ),
        Call("/pypi/NAME/VERSION/unyank", "Undo that.", TEXT, ("Unyanked",), (*_TOKEN, "-d", "")),
        Call(
            "/_/oidc/audience",
            "Trusted publishing: the audience to ask a CI system for; 403 where it is switched off.",
            JSON,
            ("message",),
            status=403,
        ),
        Call(
            "/_/oidc/mint-token",
            "Exchange the identity of a CI system for a token; a refusal says why.",
            PROBLEM,
            ("message", "errors"),
            (*_SEND_JSON, '{"token": "x"}'),
            422,
        ),
        Call("/_/oidc/burn-token", "End such a token.", JSON, ("message",), (*_SEND_JSON, '{"token": "x"}'), 202),
        Call(
            "/.well-known/pytp?discover=/legacy/",
            "Where these two are (PEP 807); 404 where it is switched off.",
            JSON,
            ("message",),
            status=404,
        ),
    ),
    "Prepare a release": (
        Call(
            "/upload/",
            "Open a publishing session (the draft of PEP 694); the answer has its addresses.",
            SESSION,
            ("meta", "links", "session-token", "expires-at", "status", "files"),
            (*_TOKEN, *_SEND_SESSION, '{"meta": {"api-version": "2.0"}, "name": "NAME", "version": "9.0"}'),
            201,
        ),
        Call("/upload/SESSION/", "Describe it; with -X DELETE, cancel it.", SESSION, ("status", "files"), _TOKEN),
        Call(
            "/legacy/sessions/SESSION/",
            "Upload a file to it, as to /legacy/.",
            TEXT,
            ("was added to the publishing session",),
            (*_TOKEN, "-F", ":action=file_upload", "-F", "protocol_version=1", "-F", "content=@FILENAME"),
        ),
        Call(
            "/upload/SESSION/files/",
            "Announce a file of it. The answer has the addresses of the next three calls.",
            SESSION,
            ("links", "mechanism", "status", "expires-at"),
            (*_TOKEN, *_SEND_SESSION, _ANNOUNCED),
            202,
        ),
        Call(
            "/upload/SESSION/files/STAGED/bytes",
            "Send the bytes of an announced file; 409 for one that is complete.",
            PROBLEM,
            ("details",),
            (*_TOKEN, "-H", "Content-Type: application/octet-stream", "--data-binary", "@STAGED"),
            409,
        ),
        Call(
            "/upload/SESSION/files/STAGED/attestations",
            "Send its attestations, if it has any.",
            PROBLEM,
            ("details",),
            (*_TOKEN, *_SEND_JSON, "[]"),
            409,
        ),
        Call(
            "/upload/SESSION/files/STAGED/complete",
            "Check it and add it to the session.",
            PROBLEM,
            ("details",),
            (*_TOKEN, *_SEND_SESSION, '{"meta": {"api-version": "2.0"}}'),
            409,
        ),
        Call(
            "/upload/SESSION/files/STAGED/",
            "Describe a file of it; with -X DELETE, remove it.",
            SESSION,
            ("links", "mechanism", "status", "expires-at"),
            _TOKEN,
        ),
        Call(
            "/upload/SESSION/extend",
            "Extend it to this many seconds from now.",
            SESSION,
            ("expires-at",),
            (*_TOKEN, *_SEND_SESSION, '{"meta": {"api-version": "2.0"}, "extend-for": 604800}'),
        ),
        Call(
            "/upload/SESSION/publish",
            "Publish all its files at once.",
            SESSION,
            ("status",),
            (*_TOKEN, *_SEND_SESSION, '{"meta": {"api-version": "2.0"}}'),
            201,
        ),
        Call("/stage/STAGE/", "Its stage, as an index.", SIMPLE, ("meta", "projects"), ("-H", f"Accept: {SIMPLE}")),
        Call(
            "/stage/STAGE/NAME/",
            "The files that its project will have.",
            SIMPLE,
            ("meta", "name", "versions", "files"),
            ("-H", f"Accept: {SIMPLE}"),
        ),
        Call(
            "/stage/STAGE/files/SHA256/FILENAME",
            "A file of the session; its address is in that list. 404 for any other.",
            JSON,
            ("message",),
            status=404,
        ),
    ),
    "Advisories": (
        Call(
            "/osv/v1/query",
            "The advisories of a release, as OSV answers.",
            JSON,
            ("vulns",),
            (*_SEND_JSON, '{"package": {"name": "NAME", "ecosystem": "PyPI"}, "version": "VERSION"}'),
        ),
        Call("/osv/v1/querybatch", "Several of these queries.", JSON, ("results",), (*_SEND_JSON, '{"queries": []}')),
        Call("/osv/v1/vulns/ADVISORY", "One advisory.", JSON, ("id", "modified")),
    ),
    "Feeds": (
        Call("/rss/updates.xml", "New releases.", RSS, ("<rss",)),
        Call("/rss/packages.xml", "New projects.", RSS, ("<rss",)),
        Call("/rss/project/NAME/releases.xml", "The releases of a project.", RSS, ("<rss",)),
        Call(
            "/rss/watching/SECRET.xml",
            "What happened to the projects that you watch. Your account page has the address; 410 for any other.",
            JSON,
            ("message",),
            status=410,
        ),
        Call("/rss/advisories.xml", "New advisories.", RSS, ("<rss",)),
        Call("/rss/project/NAME/advisories.xml", "The advisories of a project.", RSS, ("<rss",)),
    ),
    "The site": (
        Call("/ping", "Whether the site answers.", JSON),
        Call("/health", "Whether it and its database work.", JSON),
        Call("/ready", "Whether it takes requests.", JSON),
        Call(
            "/signup",
            "Create an account.",
            JSON,
            ("message",),
            (*_SEND_JSON, '{"username": "eve", "password": "the analytical engine weaves"}'),
        ),
        Call("/sitemap.xml", "The site map, in parts.", XML, ("<sitemapindex",)),
        Call("/sitemap/0.xml", "A part of it with projects.", XML, ("<urlset",)),
        Call("/sitemap/pages.xml", "The part with pages.", XML, ("<urlset",)),
        Call("/robots.txt", "What crawlers may read.", TEXT, ("User-agent",)),
        Call("/opensearch.xml", "The search, for browsers.", "application/opensearchdescription+xml", ("<Url",)),
    ),
}
