"""The findings of a comparison."""

from dataclasses import dataclass, field
from typing import Any

KEPT = 50  # differences that are reported in words

Expected = dict[str, Any]


@dataclass
class Verification:
    """The findings of a comparison."""

    rows: dict[str, int] = field(default_factory=dict)  # table -> rows compared
    count: int = 0  # of differences
    differences: list[str] = field(default_factory=list)  # the first of them, in words
    lost_microseconds: int = 0
    recognized: int = 0  # packages that were not compared again, as their rows and document are the same as then
    rendered: int = 0  # descriptions that were rendered again and compared
    edited: int = 0  # documents that were not compared, as somebody changed them on the site
    other_renderer: int = 0  # descriptions that another version of the renderer made: not compared
    fingerprints: dict[str, dict[str, Any]] = field(default_factory=dict)

    def differs(self, text: str) -> None:
        """Record a difference."""
        self.count += 1
        if len(self.differences) < KEPT:
            self.differences.append(text)
