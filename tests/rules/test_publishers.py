"""Conditions on the claims of pipelines."""

from typing import Any

import pytest

from webapp.rules.publishers import GITHUB_ISSUER, key_of, keys_of, mismatch, plain_claims, source_of

GITLAB = "https://gitlab.example.org"


@pytest.mark.parametrize(
    ("conditions", "claims", "said"),
    [
        ({"repository": "Acme/Rocket"}, {"repository": "acme/rocket"}, None),
        ({"repository": "acme/rocket"}, {"repository": "acme/rocket2"}, "its repository is acme/rocket2 instead of"),
        ({"sub": "ci"}, {"sub": "CI"}, "its sub is CI instead of ci"),
        ({"sub": "ci"}, {}, "the token has no claim sub, which has to be ci"),
        ({"ref": "refs/tags/*"}, {"ref": "refs/tags/v1"}, None),
        ({"ref": "refs/tags/*"}, {"ref": "refs/heads/refs/tags/"}, "its ref is refs/heads/refs/tags/ instead of"),
        ({"ref": "*"}, {"ref": ""}, None),
        ({"ref": "a*b*c"}, {"ref": "a-b-b-c"}, None),
        ({"ref": "a*b*c"}, {"ref": "acb"}, "its ref is acb"),
        ({"ref": "ab*ba"}, {"ref": "aba"}, "its ref is aba"),
        ({"ref": "a*b*b"}, {"ref": "a-b"}, "its ref is a-b"),
        ({"ref": "[a-z]?"}, {"ref": "ab"}, "its ref is ab"),
        (
            {"job_workflow_ref": "A/b/.github/workflows/r.yml@*"},
            {"job_workflow_ref": "a/B/.github/workflows/r.yml@x"},
            None,
        ),
        (
            {"job_workflow_ref": "a/b/.github/workflows/r.yml@*"},
            {"job_workflow_ref": "evil/b/.github/workflows/r.yml@a/b/.github/workflows/r.yml@x"},
            "its job_workflow_ref is evil/",
        ),
    ],
)
def test_conditions_are_fulfilled_or_named(
    conditions: dict[str, str], claims: dict[str, str], said: str | None
) -> None:
    found = mismatch(conditions, claims)

    assert found is None if said is None else found is not None and found.startswith(said)


def test_conditions_with_many_stars_take_no_time() -> None:
    assert mismatch({"ref": "a*" * 150 + "b"}, {"ref": "a" * 500}) is not None


@pytest.mark.parametrize(
    ("conditions", "key"),
    [
        ({"repository": "Acme/Rocket", "ref": "refs/tags/*"}, "repository=acme/rocket"),
        ({"zone": "z", "project_path": "A/b", "sub": "c"}, "project_path=a/b"),
        ({"prj_id": "7", "org": "Acme"}, "org=Acme"),
        ({"sub": "repo:acme/*"}, None),
        ({"ref": "refs/heads/main", "environment": "release", "event_name": "push"}, None),
        ({"iss": "https://x", "aud": "larder"}, None),
        ({}, None),
    ],
)
def test_publisher_is_found_by_what_identifies_it(conditions: dict[str, str], key: str | None) -> None:
    assert key_of(GITLAB, conditions) == (None if key is None else f"{GITLAB} {key}")
    if key:
        assert key_of(GITLAB, conditions) in keys_of(GITLAB, {"ref": "x", "repository": "ACME/Rocket"} | conditions)


def test_key_belongs_to_its_issuer() -> None:
    assert key_of(GITLAB, {"sub": "ci"}) not in keys_of(GITHUB_ISSUER, {"sub": "ci"})


def test_claims_with_one_value_are_text() -> None:
    claims: dict[str, Any] = {
        "run_id": 7, "is_protected": True, "sub": "ci", "aud": ["larder"], "kubernetes.io": {"pod": "x"},
        "exp": 7.5, "$where": "1", "_cls": "User", "a.b": "x", "nul": "a\0b", "long": "x" * 501, "none": None,
        "lone": "\ud800",
    }  # fmt: skip

    assert plain_claims(claims) == {"run_id": "7", "is_protected": "true", "sub": "ci"}
    assert len(plain_claims({f"claim{number}": "x" for number in range(1000)})) == 80


@pytest.mark.parametrize(
    ("issuer", "claims", "found"),
    [
        (
            GITHUB_ISSUER,
            {"repository": "acme/rocket", "sha": "abcdef0123", "job_workflow_ref": "w", "ref": "r", "environment": "e"},
            {
                "repository_url": "https://github.com/acme/rocket",
                "commit_url": "https://github.com/acme/rocket/commit/abcdef0123",
                "workflow": "w", "ref": "r", "environment": "e", "commit": "abcdef0123", "repository": "acme/rocket",
            },
        ),
        (
            GITLAB,
            {"project_path": "acme/sub/rocket", "sha": "abcdef0123", "ci_config_ref_uri": "w"},
            {
                "repository_url": f"{GITLAB}/acme/sub/rocket",
                "commit_url": f"{GITLAB}/acme/sub/rocket/-/commit/abcdef0123",
                "workflow": "w", "commit": "abcdef0123", "repository": "acme/sub/rocket",
            },
        ),
        (
            "https://ghes.example.org/_services/token",
            {"repository": "acme/rocket"},
            {"repository": "acme/rocket", "repository_url": "https://ghes.example.org/acme/rocket"},
        ),
        ("https://kube.example.org", {"sub": "system:sa:ci:pub"}, {"repository": "system:sa:ci:pub"}),
        (GITHUB_ISSUER, {"repository": "../../x", "sha": "zz"}, {"repository": "../../x", "commit": "zz",
            "repository_url": "https://github.com/../../x"}),
        (GITHUB_ISSUER, {"repository": "a b/<script>"}, {"repository": "a b/<script>"}),
    ],
)  # fmt: skip
def test_readers_see_where_a_token_comes_from(issuer: str, claims: dict[str, str], found: dict[str, str]) -> None:
    assert source_of(issuer, claims) == {"issuer": issuer} | found
