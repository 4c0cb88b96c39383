"""Public pages, which caches may keep: the same bytes for everybody, with an ETag and a short lifetime.

The ETag is a digest of the data that the page is made from. So it is the same in every process, manual edits of a
document change it, and a revalidation that ends in 304 renders nothing (RFC 9110, section 13). A page that this process
has already rendered from the same data is not rendered again either.
"""

import hashlib
import threading
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import nullcontext
from functools import wraps
from pathlib import Path
from typing import Any, ParamSpec

import bson
from cachetools import Cache, LRUCache, TTLCache
from flask import Flask, Response, make_response, render_template, request
from werkzeug.http import quote_etag
from werkzeug.wrappers import Response as AnyResponse

from webapp.documents.hidden import reader_key
from webapp.serving.filters import build
from webapp.serving.footer import footer
from webapp.serving.per_app import PerApp
from webapp.serving.slow_clients import WHOLE_BYTES

P = ParamSpec("P")

# Caches may keep a page for this long before they revalidate it.
MAX_AGE_S = 10
# Pages made from more data than this need many times as much memory, so only one is made at a time.
LARGE = 500_000
# Larger pages are kept compressed, which takes a quarter to a tenth of the memory and of the transfer.
COMPRESSED_FROM = 4000
# zlib's number for a gzip header, and the number of bytes decompressed at a time.
GZIP, PART = 31, 16_384
_making_large = threading.Lock()


class PageCache:
    """A cache of the public pages that this process made, limited in size and, if `seconds` is given, in time.

    Shared by all threads.
    """

    def __init__(self, max_bytes: int, seconds: int | None = None) -> None:
        self._kept: Cache[str, AnyResponse] = (
            TTLCache(max_bytes, seconds, getsizeof=_size) if seconds else LRUCache(max_bytes, getsizeof=_size)
        )
        self._lock = threading.Lock()

    def get(self, key: str) -> AnyResponse | None:
        """Return the page stored under this key, or None."""
        with self._lock:
            return self._kept.get(key)

    def put(self, key: str, page: AnyResponse) -> None:
        """Store a page, unless it alone would fill the cache."""
        with self._lock:
            if len(key) < 1000 and _size(page) < self._kept.maxsize / 4:
                self._kept[key] = page


page_cache = PerApp[PageCache | None]("page_cache")
made_pages = PerApp[PageCache | None]("made_pages")


def init_app(app: Flask) -> None:
    """Create the caches, and the digest of the templates that every ETag contains."""
    seconds, most = app.config["PAGE_CACHE_S"], app.config["PAGE_CACHE_BYTES"]
    # By address, for a few seconds; and by the data they were made from, as long as there is room.
    page_cache.set(app, PageCache(most, seconds) if seconds else None)
    made_pages.set(app, PageCache(most) if seconds else None)
    build.set(app, _digest_of_files(Path(app.root_path)))


def public(view: Callable[P, Any]) -> Callable[P, Response]:
    """Mark a view whose answer is the same for everybody and may be cached."""
    return public_while(lambda **_: "")(view)


def public_while(stamp: Callable[..., str]) -> Callable[[Callable[P, Any]], Callable[P, Response]]:
    """Mark a view as public, and cache its answer only while this stamp of its arguments stays the same."""
    return lambda view: _cached(view, stamp)


def _cached(view: Callable[P, Any], stamp: Callable[..., str]) -> Callable[P, Response]:
    @wraps(view)
    def cached_view(*args: P.args, **kwargs: P.kwargs) -> Response:
        cache = page_cache()
        query = request.query_string.decode("latin-1")
        # A page contains its own absolute address, so the host is part of the key.
        key = f"{_address()}?{query} {request.headers.get('Accept', '')} {reader_key()}"
        key = f"{key} {stamp(**kwargs) if cache else ''}"
        kept = cache.get(key) if cache else None
        # A cached answer may be the 304 that another reader got; it serves only readers with the same copy.
        if kept is None or (kept.status_code == 304 and not _reader_has(kept)):
            kept = _made_public(make_response(view(*args, **kwargs)))
            if cache and kept.status_code in (200, 304) and not kept.is_streamed:
                cache.put(key, kept)
        if kept.status_code == 304 or _reader_has(kept):
            return _not_modified(kept)
        return _for_reader(kept)

    return cached_view


def render_public(template: str, /, **context: Any) -> Response:
    """Render a template from plain data, or answer 304 without rendering if the reader has the same version.

    The context may only contain what BSON can hold, and must contain whatever the template shows of the query string.
    """
    return made_from(bson.encode(context), lambda: make_response(render_template(template, **context)), template)


def _address() -> str:
    """Return what identifies the page; `request.base_url` takes as long as a third of a cached answer."""
    return f"{request.scheme}://{request.host}{request.root_path}{request.path}"


def made_from(source: bytes, make: Callable[[], AnyResponse], form: str) -> Response:
    """Return the result of `make`, cached by source and form, or 304 if the reader already has it."""
    # For 5 MB, SHA-256 takes half as long as BLAKE2b on processors with instructions for it.
    digest = hashlib.sha256(build())
    digest.update(f"{form} {_address()}".encode("utf-8", "surrogatepass"))
    digest.update(source)
    digest.update(footer().digest)
    etag = digest.hexdigest()[:32]
    not_modified = Response(status=304)
    not_modified.set_etag(etag)
    if _reader_has(not_modified):
        return not_modified
    cache = made_pages()
    made = cache.get(etag) if cache else None
    if made is None:
        # A large page is made once, while other requests wait for it.
        with _making_large if len(source) > LARGE else nullcontext():
            made = (cache.get(etag) if cache else None) or _kept_as(etag, make(), cache)
    # Cached pages are shared with other requests, and callers add to the response.
    return Response(made.response, made.status_code, made.headers.copy())


def _kept_as(etag: str, made: AnyResponse, cache: PageCache | None) -> AnyResponse:
    if cache and len(made.get_data()) > COMPRESSED_FROM:
        send_gzipped(made, gzipped([made.get_data()]))
    elif cache:
        # A copy, because what orjson returns occupies 4 kB more than its length.
        made.set_data(bytes(memoryview(made.get_data())))
    made.set_etag(etag)
    if cache:
        cache.put(etag, made)
    return made


def gzipped(parts: Iterable[bytes]) -> bytes:
    """Return these parts, concatenated and compressed."""
    # The fastest level: the next one takes twice as long and saves another tenth.
    compressor = zlib.compressobj(1, wbits=GZIP)
    return b"".join([*map(compressor.compress, parts), compressor.flush()])


def send_gzipped(page: AnyResponse, compressed: bytes) -> None:
    """Set a page to compressed bytes. `public` decompresses them for clients that need it."""
    page.set_data(compressed)
    page.content_encoding = "gzip"


def _decompressed(compressed: bytes) -> Iterator[bytes]:
    decompressor = zlib.decompressobj(wbits=GZIP)
    for start in range(0, len(compressed), PART):
        yield decompressor.decompress(compressed[start : start + PART])
    yield decompressor.flush()


def _for_reader(kept: AnyResponse) -> Response:
    """Return a copy of a page that the caller may modify, in an encoding that this reader accepts."""
    headers = kept.headers.copy()
    if etag := _etag_for_reader(kept):
        headers["ETag"] = quote_etag(etag)
    if kept.content_encoding != "gzip" or request.accept_encodings["gzip"]:
        return Response(kept.response, kept.status_code, headers, direct_passthrough=kept.direct_passthrough)
    del headers["Content-Encoding"]
    compressed = kept.get_data()
    size = int.from_bytes(compressed[-4:], "little")  # RFC 1952, section 2.3.1
    headers["Content-Length"] = str(size)
    plain = zlib.decompress(compressed, GZIP) if size <= WHOLE_BYTES else _decompressed(compressed)
    return Response(plain, kept.status_code, headers)


def _made_public(response: Response) -> Response:
    if response.status_code in (200, 304):
        response.cache_control.public = True
        response.vary.add("Accept-Encoding")  # the ETag varies even if the page is never compressed
        if not response.cache_control.no_cache:
            response.cache_control.max_age = response.cache_control.max_age or MAX_AGE_S
        if not response.get_etag()[0] and not response.is_streamed:
            response.add_etag()
    return response


def _etag_for_reader(page: AnyResponse) -> str | None:
    """Return the ETag of a page in the encoding that this reader accepts.

    Each encoding has its own, so both can be strong (RFC 9110, section 8.8.3): uv never revalidates with a weak one.
    """
    etag, _ = page.get_etag()
    return etag if etag is None or request.accept_encodings["gzip"] else f"{etag}-plain"


def _reader_has(page: AnyResponse) -> bool:
    if "If-None-Match" not in request.headers:  # most requests
        return False
    etag = _etag_for_reader(page)
    return etag is not None and request.if_none_match.contains_weak(etag)


def _not_modified(page: AnyResponse) -> Response:
    response = Response(status=304)
    for name in ("Cache-Control", "Vary", "Last-Modified"):
        if name in page.headers:
            response.headers[name] = page.headers[name]
    if etag := _etag_for_reader(page):
        response.set_etag(etag)
    return response


def _size(page: AnyResponse) -> int:
    return len(page.get_data()) + 1000


def _digest_of_files(folder: Path) -> bytes:
    digest = hashlib.blake2b(digest_size=16)
    for file in sorted(folder.rglob("*")):
        if file.suffix in (".html", ".xml", ".css", ".js", ".svg", ".py"):
            digest.update(file.read_bytes())
    return digest.digest()
