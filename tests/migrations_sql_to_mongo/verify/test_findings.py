"""Differences are all counted, and the first of them told."""

from migrations_sql_to_mongo.verify.findings import Verification


def test_fifty_differences_are_told_and_all_are_counted() -> None:
    found = Verification()

    for number in range(53):
        found.differs(f"difference {number}")

    assert found.count == 53
    assert found.differences == [f"difference {number}" for number in range(50)]
