"""How severe an advisory is: one of five words, from its CVSS vectors or from its database."""

from functools import lru_cache
from typing import Any, NamedTuple

from cvss import CVSS2, CVSS3, CVSS4
from cvss.exceptions import CVSSError

UNKNOWN, LOW, MEDIUM, HIGH, CRITICAL = LEVELS = ("unknown", "low", "medium", "high", "critical")
# The newest version of CVSS counts.
_CALCULATORS = (("CVSS_V4", CVSS4), ("CVSS_V3", CVSS3), ("CVSS_V2", CVSS2))
# GitHub says "moderate".
_WORDS = {"low": LOW, "moderate": MEDIUM, "medium": MEDIUM, "high": HIGH, "critical": CRITICAL}
# Of the malicious-packages project, whose records have no severity.
MALICIOUS = "MAL-"
MAX_VECTOR = 300


class Severity(NamedTuple):
    """A word of LEVELS, and the CVSS base score from 0 to 10 if there is one."""

    level: str
    score: float | None = None


def severity_of(record: dict[str, Any]) -> Severity:
    """Return the severity of an OSV record. Malicious packages are critical."""
    if str(record.get("id", "")).startswith(MALICIOUS):
        return Severity(CRITICAL)
    parts = [record, *_dicts(record.get("affected"))]
    vectors = [each for part in parts for each in _dicts(part.get("severity"))]
    for kind, calculator in _CALCULATORS:
        given = {str(each.get("score")) for each in vectors if each.get("type") == kind}
        scores = [score for vector in given if (score := _score(calculator, vector)) is not None]
        if scores:
            return Severity(_level(max(scores)), max(scores))
    for part in parts:
        specific = part.get("database_specific")
        word = specific.get("severity") if isinstance(specific, dict) else None
        if isinstance(word, str) and word.lower() in _WORDS:
            return Severity(_WORDS[word.lower()])
    return Severity(UNKNOWN)


def at_least(level: str) -> list[str]:
    """Return the levels from this one upward."""
    return list(LEVELS[LEVELS.index(level) :])


def worst(levels: list[str]) -> str:
    """Return the highest of some levels, `unknown` if there are none."""
    return max(levels, key=LEVELS.index, default=UNKNOWN)


def _dicts(value: Any) -> list[dict[str, Any]]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


@lru_cache(maxsize=2000)
def _score(calculator: Any, vector: str) -> float | None:
    if len(vector) > MAX_VECTOR:
        return None
    try:
        return float(calculator(vector).base_score)
    except CVSSError:
        return None


def _level(score: float) -> str:
    """Source: CVSS v4.0, "Qualitative Severity Rating Scale"; the same numbers since CVSS v3.0."""
    if score >= 9:
        return CRITICAL
    if score >= 7:
        return HIGH
    return MEDIUM if score >= 4 else LOW if score > 0 else UNKNOWN
