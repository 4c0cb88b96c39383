"""PyPI JSON documents; a test states only what matters to it."""

from typing import Any

Document = dict[str, Any]


def document(name: Any = "Example", releases: Any = None, **info: Any) -> Document:
    """A document with one release of one file, if no other releases are given."""
    return {
        "info": {"name": name, "version": "1.0", "summary": "What it does"} | info,
        "releases": {"1.0": [file()]} if releases is None else releases,
    }


def file(filename: str = "example-1.0-py3-none-any.whl", **fields: Any) -> dict[str, Any]:
    """A wheel of 1,234 bytes."""
    return {
        "filename": filename,
        "url": f"https://files.example.org/{filename}",
        "size": 1234,
        "packagetype": "bdist_wheel",
        "python_version": "py3",
        "digests": {"sha256": "a" * 64, "md5": "b" * 32, "blake2b_256": "c" * 64},
        "upload_time": "2024-03-01T12:00:00",
        "upload_time_iso_8601": "2024-03-01T12:00:00.123456Z",
        "comment_text": "",
        "has_sig": False,
        "downloads": -1,
        "requires_python": ">=3.9",
        "yanked": False,
        "yanked_reason": None,
    } | fields
