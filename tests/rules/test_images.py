"""Which bytes are images."""

import base64

import pytest

from webapp.rules.images import content_type_of

# Each is an image of one pixel, as ImageMagick and cwebp write it.
GIF = base64.b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")
PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
WEBP = base64.b64decode("UklGRiQAAABXRUJQVlA4IBgAAAAwAQCdASoBAAEAAwA0JaQAA3AA/vuUAAA=")
SVG = b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><circle r="4"/></svg>'


@pytest.mark.parametrize(
    ("data", "content_type"),
    [
        (GIF, "image/gif"),
        (PNG, "image/png"),
        (WEBP, "image/webp"),
        (b"\xff\xd8\xff\xe0\x00\x10JFIF\x00", "image/jpeg"),
        (b"\x00\x00\x00\x1cftypavif\x00\x00\x00\x00", "image/avif"),
        (SVG, "image/svg+xml"),
        (b'\xef\xbb\xbf<?xml version="1.0"?>\n<!-- a - b -- c -->\n' + SVG, "image/svg+xml"),
        (b'<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "http://www.w3.org/svg11.dtd">\n' + SVG, "image/svg+xml"),
    ],
)
def test_image_is_recognized(data: bytes, content_type: str) -> None:
    assert content_type_of(data) == content_type


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"<!DOCTYPE html><title>Sign in</title>",
        b"<html><svg></svg></html>",
        b"{}",
        b"RIFF\x00\x00\x00\x00WAVE",
        b"BM\x00\x00",
        b"%PDF-1.7",
        b'<!DOCTYPE svg [<!ENTITY a "aaaa">]>' + SVG,
        b"<svg ><!entity a></svg>",
        SVG.decode().encode("utf-16"),
        b"<svg>\xff</svg>",
        b"\x1f\x8b\x08\x00",
        b"<!--" * 100_000,
        b"<!--" + b"-" * 1_000_000,
    ],
)
def test_what_is_no_image_or_a_dangerous_one_is_refused(data: bytes) -> None:
    assert content_type_of(data) is None
