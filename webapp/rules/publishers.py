"""Which pipelines may publish: conditions on the claims that the issuer of their tokens signed (OpenID Connect)."""

import re
from collections.abc import Mapping
from typing import Any

from webapp.rules.texts import is_encodable

# Claims that are equal for many pipelines, so that a condition on them alone would let strangers in.
COMMON = {
    "iss", "aud", "exp", "iat", "nbf", "jti", "ref", "ref_type", "ref_path", "ref_protected", "environment",
    "environment_protected", "deployment_tier", "event_name", "workflow", "actor", "head_ref", "base_ref",
    "runner_environment", "repository_visibility", "job_workflow_sha", "workflow_sha", "sha", "pipeline_source",
    "user_login", "email_verified", "azp", "run_number", "run_attempt",
}  # fmt: skip
# By these, in this order, a publisher is found. Of other claims, the first one in the alphabet serves.
_IDENTIFYING = ("repository", "project_path", "sub", "email")
# Names in which GitHub and GitLab take capitals and small letters for the same.
_ANY_CASE = {
    "repository",
    "repository_owner",
    "project_path",
    "namespace_path",
    "job_workflow_ref",
    "workflow_ref",
    "ci_config_ref_uri",
}
# The owners behind names. A name that is given up can be taken by somebody else, but these stay different.
OWNERS = ("repository_owner_id", "namespace_id")
MOST_CLAIMS, MAX_CLAIM_LENGTH = 80, 500

GITHUB_ISSUER = "https://token.actions.githubusercontent.com"
_COMMITS = ("sha", "commit_sha", "git_commit")
_WORKFLOWS = ("job_workflow_ref", "ci_config_ref_uri", "workflow_ref", "job_name")
_REFS = ("ref", "ref_path", "branch")


def plain_claims(claims: Mapping[str, Any]) -> dict[str, str]:
    """Return the claims that conditions can be about, as text: those with one value, within limits.

    Names and values that MongoDB cannot store, such as the name "kubernetes.io", are left out.
    """
    found: dict[str, str] = {}
    for name, value in claims.items():
        text = str(value).lower() if isinstance(value, bool) else str(value) if isinstance(value, int) else value
        is_usable = isinstance(text, str) and len(text) <= MAX_CLAIM_LENGTH and "\0" not in text and is_encodable(text)
        if is_usable and is_claim_name(name) and len(found) < MOST_CLAIMS:
            found[name] = text
    return found


def is_claim_name(name: str) -> bool:
    """Tell whether this can be the name of a claim in a condition. mongoengine takes `_cls` for its own."""
    return bool(re.fullmatch(r"[A-Za-z][A-Za-z0-9_:/-]{0,99}", name))


def key_of(issuer: str, conditions: Mapping[str, str]) -> str | None:
    """Return the text by which a publisher is found, or None if its conditions do not identify a pipeline."""
    exact = {name: value for name, value in conditions.items() if "*" not in value and name not in COMMON}
    name = next((each for each in (*_IDENTIFYING, *sorted(exact)) if each in exact), None)
    return None if name is None else _key(issuer, name, exact[name])


def keys_of(issuer: str, claims: Mapping[str, str]) -> list[str]:
    """Return the keys of all publishers that this token may belong to."""
    return [_key(issuer, name, value) for name, value in claims.items() if name not in COMMON]


def mismatch(conditions: Mapping[str, str], claims: Mapping[str, str]) -> str | None:
    """Return which condition the claims do not fulfil, as a part of a sentence, or None if they fulfil all.

    In a condition `*` stands for any text.
    """
    for name, wanted in conditions.items():
        if name not in claims:
            return f"the token has no claim {name}, which has to be {wanted}"
        if not _fits(name, wanted, claims[name]):
            return f"its {name} is {claims[name]} instead of {wanted}"
    return None


def source_of(issuer: str, claims: Mapping[str, str]) -> dict[str, str]:
    """Return where a token comes from, for readers: repository, commit, workflow and so on, as far as it tells."""
    repository = claims.get("repository") or claims.get("project_path") or claims.get("sub", "")
    found = {
        "issuer": issuer,
        "repository": repository,
        "commit": _first(claims, _COMMITS),
        "workflow": _first(claims, _WORKFLOWS),
        "ref": _first(claims, _REFS),
        "environment": claims.get("environment", ""),
    }
    if address := _repository_address(issuer, claims):
        found["repository_url"] = address
        if re.fullmatch("[0-9a-fA-F]{7,64}", found["commit"]):
            middle = "/-/commit/" if "project_path" in claims else "/commit/"
            found["commit_url"] = f"{address}{middle}{found['commit']}"
    return {name: value for name, value in found.items() if value}


def _first(claims: Mapping[str, str], names: tuple[str, ...]) -> str:
    return next((claims[name] for name in names if claims.get(name)), "")


def _repository_address(issuer: str, claims: Mapping[str, str]) -> str:
    """Return the address of a repository whose host follows from the issuer; empty if it does not."""
    path = claims.get("repository") or claims.get("project_path") or ""
    if not re.fullmatch(r"[\w.-]+(/[\w.-]+)+", path, re.ASCII):
        return ""
    if issuer == GITHUB_ISSUER and "repository" in claims:
        return f"https://github.com/{path}"
    # GitHub Enterprise Server, and Forgejo.
    for suffix in ("/_services/token", "/api/actions"):
        if issuer.endswith(suffix) and "repository" in claims:
            return f"{issuer.removesuffix(suffix)}/{path}"
    return f"{issuer}/{path}" if "project_path" in claims else ""


def _key(issuer: str, name: str, value: str) -> str:
    return f"{issuer} {name}={value.casefold() if name in _ANY_CASE else value}"


def _fits(name: str, wanted: str, value: str) -> bool:
    if name in _ANY_CASE:
        wanted, value = wanted.casefold(), value.casefold()
    first, *rest = wanted.split("*")
    if not rest:
        return value == wanted
    # The parts in order, each as early as possible; regular expressions with many `.*` can take very long.
    *middle, last = rest
    if not value.startswith(first):
        return False
    position = len(first)
    for part in middle:
        found = value.find(part, position)
        if found < 0:
            return False
        position = found + len(part)
    return len(value) - len(last) >= position and value.endswith(last)
