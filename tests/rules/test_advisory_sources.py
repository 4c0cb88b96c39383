"""Where advisories come from, and under which licence."""

import pytest

from webapp.rules.advisory_sources import described, source_of


@pytest.mark.parametrize(
    ("advisory_id", "licence"),
    [("PYSEC-2024-1", "CC-BY 4.0"), ("GHSA-a-b-c", "CC-BY 4.0"), ("MAL-2024-1", "Apache-2.0"), ("OSV-2024-1", "")],
)
def test_source_is_known_by_the_beginning_of_the_id(advisory_id: str, licence: str) -> None:
    assert source_of({"id": advisory_id}).licence == licence


def test_own_advisories_are_the_operators() -> None:
    assert source_of({"id": "PYSEC-2024-1", "is_own": True}).name == "this site’s operators"


def test_every_source_of_a_dump_has_an_address() -> None:
    assert [each["url"].startswith("https://") for each in described()] == [True, True, True]
