"""Distributions that look installed; a test states only what matters to it."""

from importlib.metadata import PathDistribution
from pathlib import Path

METADATA = """\
Metadata-Version: 2.4
Name: Example_Package
Version: 1.2.3
Summary: What it does
Author-email: "Ada L." <ada@example.org>, Grace <grace@example.org>
License-Expression: MIT
Keywords: web,framework
Classifier: Programming Language :: Python :: 3
Classifier: Topic :: Internet
Requires-Python: >=3.9
Requires-Dist: click>=8
Requires-Dist: pytest; extra == "test"
Provides-Extra: test
Project-URL: Source, https://example.org/source?a=1,2
Project-URL: Documentation, https://example.org/docs
Description-Content-Type: text/markdown

# Example

A description with an umlaut: \N{LATIN SMALL LETTER U WITH DIAERESIS}.
"""


def installed(folder: Path, metadata: str | bytes = METADATA, name: str = "example_package-1.2.3") -> PathDistribution:
    """A distribution with this metadata in a folder."""
    info = folder / f"{name}.dist-info"
    info.mkdir()
    (info / "METADATA").write_bytes(metadata.encode() if isinstance(metadata, str) else metadata)
    (info / "RECORD").write_text(f"{info.name}/METADATA,,\n")
    return PathDistribution(info)
