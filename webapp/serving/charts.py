"""The geometry of charts: a template would take five times as long to work it out."""

from math import ceil
from typing import Any, NamedTuple

_TOP, _BOTTOM = 10, 22
# A column takes this part of its step, and so much is left free before it.
_WIDE, _BEFORE = 0.76, 0.12
_WIDEST_STEP = 100  # a single column across the whole chart would not look like one


class Columns(NamedTuple):
    """What a chart draws, in the units of its width and height. Numbers and texts are as they are written."""

    left: int  # where the columns begin, right of the numbers
    lines: list[tuple[float, str]]  # height of the line, its number
    bars: list[tuple[str, str, str, str, str]]  # x, y, width, height, and what it says of itself on hover
    labels: list[tuple[str, str]]  # x, text


def columns(rows: list[dict[str, Any]], width: int, height: int) -> Columns:
    """Return columns over time: `rows` are {id, count}, the id "2024", "2024-03" or "2024-03-01".

    A row without a count has no column, which nobody could see. Below are the years, as many as fit; the months of some
    days; the first days of some weeks; at least the first of them all.
    """
    most = max(1, *(row["count"] for row in rows))
    # So wide are the digits of the largest number.
    left = max(44, 14 + 7 * len(f"{most:,}"))
    step, plot = min((width - left) / len(rows), _WIDEST_STEP), height - _BOTTOM - _TOP
    wide = f"{step * _WIDE:.2f}"
    bars = []
    for number, row in enumerate(rows):
        if count := row["count"]:
            bar = plot * count / most
            x, y = left + (number + _BEFORE) * step, _TOP + plot - bar
            bars.append((f"{x:.2f}", f"{y:.2f}", wide, f"{bar:.2f}", f"{row['id']}: {count:,}"))
    # At a whole number near the middle, so that each line is where its number says.
    lines = [(round(_TOP + plot * (1 - value / most), 2), f"{value:,}") for value in sorted({0, most // 2, most})]
    return Columns(left, lines, bars, _labels([row["id"] for row in rows], left, step, width))


def _labels(names: list[str], left: int, step: float, width: int) -> list[tuple[str, str]]:
    years = int(names[-1][:4]) - int(names[0][:4]) + 1
    every = ceil(years * 40 / (width - left))
    labels = []
    for number, name in enumerate(names):
        x = left + number * step
        if len(name) == len("2024-03-01"):
            is_labelled = name.endswith("-01") if len(names) > 60 else number % 5 == 0
            text = name[:7] if len(names) > 60 else name
        else:
            is_labelled = len(name) == 4 or name.endswith("-01")
            is_labelled = is_labelled and int(name[:4]) % every == 0 and x < width - 26
            text = name[:4]
        if is_labelled:
            labels.append((f"{x:.2f}", text))
    return labels or [(f"{left:.2f}", names[0])]
