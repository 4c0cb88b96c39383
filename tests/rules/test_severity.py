"""How severe an advisory is."""

from typing import Any

import pytest

from webapp.rules import severity
from webapp.rules.severity import Severity, severity_of

V2, V3, V4 = (
    "AV:N/AC:L/Au:N/C:P/I:P/A:P",
    "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:L",
    "CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N",
)


def rated(*vectors: tuple[str, str]) -> dict[str, Any]:
    return {"id": "GHSA-1", "severity": [{"type": kind, "score": score} for kind, score in vectors]}


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        # The scores are those of FIRST's own calculators.
        (rated(("CVSS_V2", V2)), Severity("high", 7.5)),
        (rated(("CVSS_V3", V3)), Severity("medium", 5.3)),
        (rated(("CVSS_V4", V4)), Severity("critical", 9.3)),
        (rated(("CVSS_V3", V3), ("CVSS_V4", V4)), Severity("critical", 9.3)),
        (rated(("CVSS_V3", "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:N")), Severity("unknown", 0.0)),
        (rated(("CVSS_V3", "nonsense")), Severity("unknown")),
        (rated(("CVSS_V3", V3 + "/" * 1000)), Severity("unknown")),
        (rated(("CVSS_V3", "nonsense"), ("CVSS_V2", V2)), Severity("high", 7.5)),
        ({"affected": [{"severity": [{"type": "CVSS_V3", "score": V3}]}]}, Severity("medium", 5.3)),
        ({"database_specific": {"severity": "MODERATE"}}, Severity("medium")),
        ({"database_specific": {"severity": 7}}, Severity("unknown")),
        ({"severity": "high", "affected": 3}, Severity("unknown")),
        ({"id": "MAL-2026-1"}, Severity("critical")),
        ({}, Severity("unknown")),
    ],
)
def test_severity_comes_from_the_newest_vector_or_the_word(record: dict[str, Any], expected: Severity) -> None:
    assert severity_of(record) == expected


def test_levels_are_compared_in_their_order() -> None:
    assert severity.at_least("high") == ["high", "critical"]
    assert severity.worst(["low", "critical", "unknown"]) == "critical"
    assert severity.worst([]) == "unknown"
