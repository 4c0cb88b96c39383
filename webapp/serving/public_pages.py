"""What caches may keep: public pages, the same bytes for everybody, with an ETag and a short lifetime.

The ETag is a digest of what the page is made from, so it is the same in every process, a document edited by hand
changes it, and a revalidation that ends in 304 renders nothing (RFC 9110, section 13). Nor is a page rendered again
that this process has rendered before from the same.
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
from flask import Flask, Response, current_app, make_response, render_template, request
from werkzeug.wrappers import Response as AnyResponse

P = ParamSpec("P")

# Caches may keep a page for so long without asking; then they revalidate.
MAX_AGE_S = 10
# A page that is made from more bytes takes many times as much memory while it is made: one at a time.
LARGE = 500_000
# A page of more bytes is kept compressed: it takes a tenth of the room and of the way to the reader.
COMPRESSED_FROM = 100_000
# zlib's number for a gzip header, and bytes that are decompressed at a time.
GZIP, PART = 31, 16_384
_making_large = threading.Lock()


class PageCache:
    """The bytes of public pages that one web process made: in the last seconds, or as many as there is room for.

    Its threads share it.
    """

    def __init__(self, max_bytes: int, seconds: int | None = None) -> None:
        self._kept: Cache[str, AnyResponse] = (
            TTLCache(max_bytes, seconds, getsizeof=_size) if seconds else LRUCache(max_bytes, getsizeof=_size)
        )
        self._lock = threading.Lock()

    def get(self, key: str) -> AnyResponse | None:
        """Return the page kept under this key, or None."""
        with self._lock:
            return self._kept.get(key)

    def keep(self, key: str, page: AnyResponse) -> None:
        """Keep a page, unless it alone would fill the cache."""
        with self._lock:
            if len(key) < 1000 and _size(page) < self._kept.maxsize / 4:
                self._kept[key] = page


def init_app(app: Flask) -> None:
    """Give the application its cache, and the digest of the templates that every ETag contains."""
    seconds, most = app.config["PAGE_CACHE_S"], app.config["PAGE_CACHE_BYTES"]
    # By address, for some seconds; and by what they were made from, for as long as there is room.
    app.extensions["page_cache"] = PageCache(most, seconds) if seconds else None
    app.extensions["made_pages"] = PageCache(most) if seconds else None
    app.extensions["build"] = _digest_of_files(Path(app.root_path))


def public(view: Callable[P, Any]) -> Callable[P, Response]:
    """Mark a view as one whose answer is the same for everybody and may be cached."""
    return public_while(lambda **_: "")(view)


def public_while(stamp: Callable[..., str]) -> Callable[[Callable[P, Any]], Callable[P, Response]]:
    """Mark a view as public, and keep its answer only while this stamp of the view's arguments stays the same."""
    return lambda view: _cached(view, stamp)


def _cached(view: Callable[P, Any], stamp: Callable[..., str]) -> Callable[P, Response]:
    @wraps(view)
    def cached_view(*args: P.args, **kwargs: P.kwargs) -> Response:
        cache: PageCache | None = current_app.extensions["page_cache"]
        # A page contains its own absolute address, so the host is a part of the key.
        key = f"{request.url} {request.headers.get('Accept', '')} {stamp(**kwargs) if cache else ''}"
        kept = cache.get(key) if cache else None
        # What is kept may be just the 304 that another reader got; it serves those who have the same copy.
        if kept is None or (kept.status_code == 304 and not _reader_has(kept)):
            kept = _made_public(make_response(view(*args, **kwargs)))
            if cache and kept.status_code in (200, 304) and not kept.is_streamed:
                cache.keep(key, kept)
        if kept.status_code == 304 or _reader_has(kept):
            return _not_modified(kept)
        return _for_reader(kept)

    return cached_view


def render_public(template: str, /, **context: Any) -> Response:
    """Render a template from plain data, or answer 304 without rendering if the reader's copy was made from the same.

    The context must consist of what BSON can hold, which is what documents give, and must hold whatever of the query
    string the template shows.
    """
    return made_from(bson.encode(context), lambda: make_response(render_template(template, **context)), template)


def made_from(source: bytes, make: Callable[[], AnyResponse], form: str) -> Response:
    """Return what `make` gives, or gave before for the same source and form, or 304 if the reader has just that."""
    # Of 5 MB, SHA-256 takes half as long as BLAKE2b on processors that have instructions for it.
    digest = hashlib.sha256(current_app.extensions["build"])
    digest.update(f"{form} {request.base_url}".encode("utf-8", "surrogatepass"))
    digest.update(source)
    etag = digest.hexdigest()[:32]
    not_modified = Response(status=304)
    not_modified.set_etag(etag)
    if _reader_has(not_modified):
        return not_modified
    cache: PageCache | None = current_app.extensions["made_pages"]
    made = cache.get(etag) if cache else None
    if made is None:
        # What takes long to make is made once, and the others wait for it.
        with _making_large if len(source) > LARGE else nullcontext():
            made = (cache.get(etag) if cache else None) or _kept_as(etag, make(), cache)
    # What is kept is shared with other requests, and callers add to what they get.
    return Response(made.response, made.status_code, made.headers.copy())


def _kept_as(etag: str, made: AnyResponse, cache: PageCache | None) -> AnyResponse:
    if cache and len(made.get_data()) > COMPRESSED_FROM:
        send_gzipped(made, gzipped([made.get_data()]))
    # Both forms have the same one, so it does not promise the same bytes (RFC 9110, section 8.8.3).
    made.set_etag(etag, weak=made.content_encoding == "gzip")
    if cache:
        cache.keep(etag, made)
    return made


def gzipped(parts: Iterable[bytes]) -> bytes:
    """Return these parts, one after the other, compressed."""
    # The fastest level: the next one takes twice as long for a tenth less.
    compressor = zlib.compressobj(1, wbits=GZIP)
    return b"".join([*map(compressor.compress, parts), compressor.flush()])


def send_gzipped(page: AnyResponse, compressed: bytes) -> None:
    """Let a page consist of compressed bytes. Who cannot read them gets what they stand for: `public` sees to it."""
    page.set_data(compressed)
    page.content_encoding = "gzip"
    page.vary.add("Accept-Encoding")


def _decompressed(compressed: bytes) -> Iterator[bytes]:
    decompressor = zlib.decompressobj(wbits=GZIP)
    for start in range(0, len(compressed), PART):
        yield decompressor.decompress(compressed[start : start + PART])
    yield decompressor.flush()


def _for_reader(kept: AnyResponse) -> Response:
    """Return a copy of a page, to which an answer may add, in a form that this reader can read."""
    headers = kept.headers.copy()
    if kept.content_encoding != "gzip" or request.accept_encodings["gzip"]:
        return Response(kept.response, kept.status_code, headers, direct_passthrough=kept.direct_passthrough)
    del headers["Content-Encoding"]
    del headers["Content-Length"]
    return Response(_decompressed(kept.get_data()), kept.status_code, headers)


def _made_public(response: Response) -> Response:
    if response.status_code in (200, 304):
        response.cache_control.public = True
        if not response.cache_control.no_cache:
            response.cache_control.max_age = response.cache_control.max_age or MAX_AGE_S
        if not response.get_etag()[0] and not response.is_streamed:
            response.add_etag(weak=response.content_encoding == "gzip")
    return response


def _reader_has(page: AnyResponse) -> bool:
    etag, _ = page.get_etag()
    return etag is not None and request.if_none_match.contains_weak(etag)


def _not_modified(page: AnyResponse) -> Response:
    response = Response(status=304)
    for name in ("ETag", "Cache-Control", "Vary", "Last-Modified"):
        if name in page.headers:
            response.headers[name] = page.headers[name]
    return response


def _size(page: AnyResponse) -> int:
    return len(page.get_data()) + 1000


def _digest_of_files(folder: Path) -> bytes:
    digest = hashlib.blake2b(digest_size=16)
    for file in sorted(folder.rglob("*")):
        if file.suffix in (".html", ".xml", ".css", ".js", ".svg", ".py"):
            digest.update(file.read_bytes())
    return digest.digest()
