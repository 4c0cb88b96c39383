"""verify finds the version of a release in its own way."""

import pytest

from migrations_sql_to_mongo.verify.versions import Found, version_of
from migrations_sql_to_mongo.versions import file_of, recover
from tests.migrations_sql_to_mongo.file_names import FileName, made_up


def disagreements(count: int, seed: int) -> list[tuple[FileName, Found, Found]]:
    """Return the made-up releases that the two readers do not understand alike."""
    found = []
    for release in made_up(count, seed):
        file = file_of(release.url)
        first = (
            recover(release.package, file, *release.numbers),
            file.filename if file else None,
            file.packagetype if file else None,
        )
        second = version_of(release.package, release.url, *release.numbers)
        if first != second:
            found.append((release, first, second))
    return found


def test_both_readers_understand_made_up_names_alike() -> None:
    assert disagreements(5_000, seed=17) == []


@pytest.mark.thorough
def test_both_readers_understand_a_million_made_up_names_alike() -> None:
    assert disagreements(1_000_000, seed=18) == []
