"""The table of `make bench-peers`, and what it sends."""

import pytest
from flask.testing import FlaskClient

from benchmarks import peers
from benchmarks.peer_content import bad_uploads, small_wheel
from benchmarks.peer_pulp import what_pulp_lacks
from benchmarks.peers import NGINX, OURS, ROWS, Row
from tests.conftest import free_port
from tests.publishing import uploads

SPEED, TIME = Row("answers", "/s", 1.2), Row("installation", "s", 1.2)


def rounds(**values: list[float]) -> peers.Rounds:
    """Some indexes, each with a value of both rows in each round."""
    return {name: [{SPEED.name: value, TIME.name: value} for value in found] for name, found in values.items()}


def test_best_speed_is_the_highest_median_and_best_time_the_lowest() -> None:
    found = rounds(Larder=[1, 1, 1], fast=[10, 900, 11], slow=[5, 5, 800])

    assert peers._best(SPEED, found, ["fast", "slow"]) == "fast"
    assert peers._best(TIME, found, ["fast", "slow"]) == "slow"


def test_ratio_tells_how_many_times_as_good_this_site_is() -> None:
    found = rounds(Larder=[20, 20, 20], other=[10, 10, 10])

    assert peers._ratio(SPEED, found, "other") == "2.00"
    assert peers._ratio(TIME, found, "other") == "0.50"


def test_index_that_cannot_do_a_row_is_neither_the_best_nor_compared() -> None:
    found = {OURS: [{SPEED.name: 1.0}], "other": [{"another row": 5.0}]}

    assert peers._best(SPEED, found, ["other"]) == ""
    assert peers._ratio(SPEED, found, "") == peers._ratio(SPEED, found, "other") == ""
    assert peers._cell(SPEED, found["other"]) == "-"


def test_index_that_failed_in_a_round_is_shown_with_the_others() -> None:
    found = rounds(Larder=[1, 2, 3], other=[4, 6])

    assert peers._cell(SPEED, found["other"]) == "5 (4-6)"


def test_columns_of_this_site_are_told_from_those_of_others() -> None:
    assert NGINX.startswith(OURS)
    assert len({row.name for row in ROWS}) == len(ROWS)


def test_wheels_are_the_same_in_each_run_and_differ_between_releases() -> None:
    first, again, next_one = (small_wheel("bench-00", version) for version in ("1.0", "1.0", "1.1"))

    assert first == again
    assert first.content != next_one.content
    assert 9_000 < len(first.content) < 11_000


def test_pulp_is_left_out_where_postgresql_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGHOST", "127.0.0.1")
    monkeypatch.setenv("PGPORT", str(free_port()))

    assert what_pulp_lacks().startswith("PostgreSQL does not answer")


@pytest.mark.parametrize("kind", bad_uploads())
def test_each_bad_upload_is_refused_here(client: FlaskClient, kind: str) -> None:
    _, secret = uploads.publisher()
    sent = bad_uploads()[kind]

    answer = uploads.upload(client, secret, sent.wheel.content, sent.wheel.filename, sha256_digest=sent.sha256)

    assert answer.status_code == 400
    assert uploads.nothing_stays()
