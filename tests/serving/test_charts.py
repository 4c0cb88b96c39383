"""Where the columns and labels of charts are."""

import pytest

from webapp.serving.charts import columns


def rows(**counts: int) -> list[dict[str, object]]:
    return [{"id": name.removeprefix("_").replace("_", "-"), "count": count} for name, count in counts.items()]


def days(number: int) -> list[dict[str, object]]:
    """Days from the 1st of October 2025 on, each with one download."""
    lengths = {"2025-10": 31, "2025-11": 30, "2025-12": 31}
    names = [f"{month}-{day:02}" for month, length in lengths.items() for day in range(1, length + 1)]
    return [{"id": name, "count": 1} for name in names[:number]]


def test_columns_are_as_high_as_their_counts_and_stand_on_the_last_line() -> None:
    chart = columns(rows(_2023=100, _2024=0, _2025=50), 344, 232)

    assert chart.left == 44
    assert chart.lines == [(210, "0"), (110, "50"), (10, "100")]
    # Three steps of 100, of which a column takes 76.
    assert chart.bars == [
        ("56.00", "10.00", "76.00", "200.00", "2023: 100"),
        ("256.00", "110.00", "76.00", "100.00", "2025: 50"),
    ]


def test_large_numbers_get_the_room_that_they_need() -> None:
    chart = columns(rows(_2025=12_345_678), 344, 232)

    assert chart.lines[-1] == (10, "12,345,678")
    assert chart.left == 84
    assert chart.bars[0][-1] == "2025: 12,345,678"


def test_single_column_is_still_a_column() -> None:
    chart = columns(rows(_2026_12=63), 944, 232)

    assert chart.bars == [("56.00", "10.00", "76.00", "200.00", "2026-12: 63")]
    assert chart.labels == [("44.00", "2026-12")]


def test_chart_of_nothing_has_lines_and_no_columns() -> None:
    chart = columns(rows(_2024=0, _2025=0), 344, 232)

    assert chart.bars == []
    assert [number for _, number in chart.lines] == ["0", "1"]


def test_middle_line_is_at_a_whole_number() -> None:
    heights, numbers = zip(*columns(rows(_2024=3, _2025=1), 344, 242).lines, strict=True)

    assert heights == pytest.approx([220, 150, 10])
    assert numbers == ("0", "1", "3")


@pytest.mark.parametrize(
    ("given", "labels"),
    [
        (days(91), ["2025-10", "2025-11", "2025-12"]),
        (days(12), ["2025-10-01", "2025-10-06", "2025-10-11"]),
        (rows(_2023=1, _2024=1, _2025=1), ["2023", "2024", "2025"]),
        (rows(_2023_12=1, _2024_01=1, _2024_02=1), ["2024"]),
        # There is room for seven labels: that of every second year.
        ([{"id": str(year), "count": 1} for year in range(2001, 2016)], [str(year) for year in range(2002, 2015, 2)]),
        # A label in the last step would stand out on the right.
        ([{"id": f"2024-{month:02}", "count": 1} for month in range(1, 13)] + rows(_2025_01=1), ["2024"]),
    ],
)
def test_as_many_columns_have_labels_as_there_is_room_for(given: list[dict[str, object]], labels: list[str]) -> None:
    assert [text for _, text in columns(given, 344, 232).labels] == labels
