"""What people paste into a search: the command that installs a project, or the requirement that names it."""

import re

_NAME = r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?"
_INSTALL = re.compile(
    r"[$>%]?\s*(?:sudo\s+)?(?:(?:python|py)[0-9.]*\s+-m\s+)?(?:uv\s+pip|uv\s+tool|uv|pip[0-9.]*|pipx|pipenv|poetry|pdm|rye|"
    r"hatch|conda|mamba)\s+(?:install|add)\s+",
    re.IGNORECASE,
)
# Options of these commands that are followed by a value.
_WITH_VALUE = frozenset(
    (
        "-r", "--requirement", "-e", "--editable", "-c", "--constraint", "-i", "--index-url", "--extra-index-url",
        "--index", "--default-index", "-f", "--find-links", "--trusted-host", "--proxy", "--cert", "--client-cert",
        "--timeout", "--python", "-p", "--platform", "--group", "-G", "--source", "-t", "--target", "--prefix",
        "--channel",
    )
)  # fmt: skip
# A name with extras, a version, an address or a marker behind it (PEP 508), or as Poetry writes it: flask = "^3.0".
_REQUIREMENT = re.compile(
    rf"""["']?(?P<name>{_NAME})\s*
    (?:\[[\w\s,.-]*\]|[<>=~!]=|[<>]\s*v?[0-9]|=\s*["'{{]|@\s*[a-z+]+:|;\s*(?:python_|sys_|os_|platform_|implementation_|extra\b))""",
    re.VERBOSE,
)
_NAME_AND_VERSION = re.compile(rf"(?P<name>{_NAME})\s+v?[0-9]+(?:\.[0-9]+)+(?:\.?(?:a|b|rc|post|dev)[0-9]*)?")


def required_name(text: str) -> str | None:
    """Return the project that a pasted command or requirement names, the first of several; None if it is neither.

    "pip install -U flask" -> "flask", "Flask[async]>=3" -> "Flask", "flask" -> None
    """
    text = text.strip()
    if command := _INSTALL.match(text):
        return _first_project(text[command.end() :])
    found = _REQUIREMENT.match(text)
    return found["name"] if found else None


def name_before_version(text: str) -> str | None:
    """Return the first word of "flask 3.1", which may be a project and its version; None of any other text."""
    found = _NAME_AND_VERSION.fullmatch(text.strip())
    return found["name"] if found else None


def _first_project(arguments: str) -> str | None:
    words = iter(arguments.split())
    for word in words:
        if word in _WITH_VALUE:
            next(words, None)
        elif not word.startswith("-"):
            found = re.match(rf"[\"']?({_NAME})", word)
            return found[1] if found else None
    return None
