"""Which kinds of images are passed on to readers, recognized by their bytes.

SVG is among them, because most badges are SVG. It can contain scripts and addresses, so it is sent with a policy that
forbids both and puts it into a sandbox; an <img> runs no scripts in any case. Entities are refused: a few lines of them
become gigabytes.
"""

import re

SVG = "image/svg+xml"
_STARTS = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
)
# An optional declaration, comments and a document type without entities, and then the element itself.
_SVG = re.compile(
    rb"\s*+(?:<\?xml[^>]*+>\s*+)?(?:<!--(?:[^-]|-(?!->))*+-->\s*+)*+(?:<!DOCTYPE svg[^\[>]*+>\s*+)?<svg[\s>]"
)
_ENTITIES = re.compile(rb"<!(?:ENTITY|ATTLIST)", re.IGNORECASE)


def content_type_of(data: bytes) -> str | None:
    """Return the type of an image, or None if it is of no kind that is shown."""
    for start, content_type in _STARTS:
        if data.startswith(start):
            return content_type
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    if data[4:12] in (b"ftypavif", b"ftypavis"):
        return "image/avif"
    return SVG if _is_svg(data.removeprefix(b"\xef\xbb\xbf")) else None


def _is_svg(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return _SVG.match(data) is not None and _ENTITIES.search(data) is None
