"""A spool is a list in all but memory."""

from migrations_sql_to_mongo.spool import KEPT, Spool


def test_spool_gives_back_what_was_added_in_order_and_again() -> None:
    spool: Spool[tuple[int, str]] = Spool()

    for number in range(3 * KEPT + 7):
        spool.append((number, "x"))
        if number == KEPT:
            assert len([*spool]) == KEPT + 1  # reading in between changes nothing

    assert len(spool) == 3 * KEPT + 7
    assert [*spool] == [*spool] == [(number, "x") for number in range(3 * KEPT + 7)]


def test_spool_is_false_when_it_is_empty_or_cleared() -> None:
    spool = Spool(range(2 * KEPT))
    assert spool

    spool.clear()

    assert not spool
    assert [*spool] == []
    spool.append(1)
    assert [*spool] == [1]


def test_only_the_newest_items_are_in_memory() -> None:
    spool = Spool(bytes(1000) for _ in range(5 * KEPT))

    assert len(spool._recent) <= KEPT
