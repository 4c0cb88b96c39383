"""Refuse files of the other index that advisories of some severity affect, except where the operator says so."""

from collections.abc import Callable, Mapping
from typing import Any

from config import BadConfig
from webapp.documents.base import Plain
from webapp.rules import naming, osv, severity
from webapp.rules.distributions import version_in
from webapp.serving import affected_releases

# Advisories without a known severity count, too.
ANY = "any"
# Why a file is refused, or None; for its name.
Reason = Callable[[str], str | None]


class Refusals:
    """Which advisories make the site refuse a file."""

    def __init__(self, level: str, exceptions: frozenset[str]) -> None:
        self._levels = (
            frozenset(severity.at_least(severity.UNKNOWN if level == ANY else level)) if level else frozenset()
        )
        self._exceptions = exceptions

    def of(self, normalized_name: str) -> Reason:
        """Return a function for the reason why a file of this project is refused."""
        about = (
            affected_releases.about([normalized_name])
            if self._levels and normalized_name not in self._exceptions
            else {}
        )
        advisories = [each for each in about.get(normalized_name, []) if self._counts(each)]
        return lambda filename: self._reason(normalized_name, filename, advisories) if advisories else None

    def mark(self, normalized_name: str, files: list[Plain]) -> None:
        """Mark the files that are refused as yanked, with the reason: then installers choose other versions."""
        reason_of = self.of(normalized_name)
        for file in files:
            if reason := reason_of(file["filename"]):
                file |= {"yanked": True, "yanked_reason": reason}

    def _counts(self, advisory: Plain) -> bool:
        names = {advisory["id"], *advisory.get("aliases", [])}
        return affected_releases.level(advisory) in self._levels and not names & self._exceptions

    def _reason(self, normalized_name: str, filename: str, advisories: list[Plain]) -> str | None:
        version = version_in(filename, normalized_name)
        if naming.parse_version(version) is None or f"{normalized_name}=={osv.sort_key(version)}" in self._exceptions:
            return None
        found = affected_releases.affecting(advisories, version)
        if not found:
            return None
        named = ", ".join(f"{each['id']} ({each['severity']})" for each in found[:3]) + (
            " and others" if found[3:] else ""
        )
        fixes = [each["fixed_in"] for each in found if "fixed_in" in each]
        fix = f" It is fixed in {max(fixes, key=osv.sort_key)}." if len(fixes) == len(found) else ""
        verb = "affects" if len(found) == 1 else "affect"
        return f"This site refuses {normalized_name} {version}, because {named} {verb} it.{fix}"


def from_config(config: Mapping[str, Any]) -> Refusals:
    """Return what the settings say. Raises BadConfig."""
    level = config["UPSTREAM_REFUSE_SEVERITY"].strip().lower()
    allowed = (ANY, *severity.LEVELS[1:])
    if level and level not in allowed:
        raise BadConfig(f"UPSTREAM_REFUSE_SEVERITY is {level!r}; it can be {', '.join(allowed)}")
    exceptions = (text.strip() for text in config["UPSTREAM_REFUSE_EXCEPT"].split(","))
    return Refusals(level, frozenset(each for text in exceptions if text for each in _names_of(text)))


def _names_of(exception: str) -> list[str]:
    """Return the forms in which an exception is compared: an id or alias, a project, or one version of it."""
    name, equals, version = exception.partition("==")
    try:
        normalized_name = naming.normalize_name(name.strip())
    except naming.InvalidName:
        if equals:
            raise BadConfig(f"UPSTREAM_REFUSE_EXCEPT has {exception!r}, which is not a project and version") from None
        return [exception]
    if not equals:
        return [exception, normalized_name]
    if naming.parse_version(version.strip()) is None:
        raise BadConfig(f"UPSTREAM_REFUSE_EXCEPT has {exception!r}, whose version PEP 440 cannot parse")
    return [f"{normalized_name}=={osv.sort_key(version.strip())}"]
