"""Keys that several rows have."""

from migrations_sql_to_mongo.collisions import Collisions


def test_keys_of_several_rows_are_found_with_these_in_order() -> None:
    collisions = Collisions()
    for key, row in (("ada", 1), ("grace", 2), ("ada", 9), ("", 3), ("", 4), ("ada", 5), ("\udcff", 6), ("\udcff", 7)):
        collisions.add(key, row)

    assert collisions.found() == [("ada", [1, 9, 5]), ("\udcff", [6, 7])]


def test_more_keys_than_are_held_in_memory_are_compared() -> None:
    collisions = Collisions()
    for number in range(10_001):
        collisions.add(f"key{number}", number)
    collisions.add("key0", -1)

    assert collisions.found() == [("key0", [0, -1])]


def test_different_keys_collide_with_nobody() -> None:
    collisions = Collisions()
    collisions.add("ada", 1)
    collisions.add("Ada", 2)

    assert collisions.found() == []
