"""`make bench-peers`: this site beside other package indexes, all in one run, with the same files.

Each index is started, checked and measured in turn, round after round (A B C A B C), so whatever else the machine does
meets all of them. `BASELINE=COMMIT` measures an earlier build of this site, too. The indexes are installed into
`.tools/peers`, and the earlier build into `.tools/builds`; both are kept. wrk makes the requests; pip and uv install.
"""

import argparse
import contextlib
import itertools
import os
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from benchmarks.peer_content import MANY, content
from benchmarks.peer_floor import Floor
from benchmarks.peer_indexes import Index, peers
from benchmarks.peer_larder import MEMORY, START, START_WITH_DATABASE, larders
from benchmarks.peer_measures import Figures, measured, processor_row
from benchmarks.peer_pulp import Pulp, what_pulp_lacks
from benchmarks.servers import Failed

# The figures of each round, by the name of an index
Rounds = dict[str, list[Figures]]
OURS, NGINX, FLOOR, EARLIER = "Larder", "Larder, nginx", "Larder, floor", "Larder "
PROJECTS, RELEASES = 50, 41  # 2,550 small wheels with those of the project that has many


class Row(NamedTuple):
    """One line of the table."""

    name: str
    unit: str
    # How many times as good as the best other index, and as the earlier build, this site is to be.
    than_best: float | None = None
    than_baseline: float | None = None
    # What the figure itself is to reach.
    goal: float | None = None

    @property
    def more_is_better(self) -> bool:
        """Tell whether it is a speed or a count of what was right, and not a time, a size or a count of errors."""
        return self.unit.endswith("/s") or self.unit == "of 5"


ROWS = [
    Row("wheels of 10 kB, 8 at a time", "/s", 1.2),
    Row("a wheel of 100 MB", "MB/s", 1.0),
    Row("uploads until installable, 4 at a time", "/s", 1.5),
    Row("bad uploads refused", "of 5", goal=5),
    Row("uv install of 50 projects", "s", 1.2),
    Row("pip install of 50 projects", "s", 1.2),
    Row("uv, from upstream, second time", "s", 1.2),
    Row("project page anew", "/s", 1.0, than_baseline=3.1),
    Row("home page anew", "/s", 1.2, than_baseline=2.0),
    Row("/simple/NAME/ anew, JSON", "/s", 2.5),
    Row("/simple/NAME/ anew, HTML", "/s", 1.5),
    Row(f"the same with {MANY} releases, JSON", "/s", 2.0),
    Row(f"the same with {MANY} releases, HTML", "/s", 2.0),
    Row("search of a word anew, p95", "ms", 5.0),
    Row(START, "s", goal=1.0),
    Row(START_WITH_DATABASE, "s"),
    Row(MEMORY, "MB", goal=150),
    Row("32 uv install 5 projects each, median", "s"),
    Row("the same, beside 16 that upload", "s"),
    Row("times as long beside the uploads", "times", goal=2.0),
    Row("errors of both", "errors", goal=0),
    Row("uploads meanwhile", "/s"),
]


def main() -> None:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--baseline", default=os.environ.get("BASELINE"), help="a commit to measure as well")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=3.0, help="length of one measurement by wrk")
    parser.add_argument("--projects", type=int, default=PROJECTS)
    parser.add_argument("--releases", type=int, default=RELEASES)
    parser.add_argument("--only", nargs="+", help="measure only the indexes whose names contain one of these")
    options = parser.parse_args()
    if not shutil.which("wrk"):
        sys.exit("wrk makes the requests: apt-get install wrk")
    loads, began = [os.getloadavg()[0]], time.monotonic()
    with tempfile.TemporaryDirectory() as folder, content(options.projects, options.releases) as files:
        place = Path(folder)
        indexes: list[Index] = [*larders(place, options.baseline, files), Floor(FLOOR, place / "larder", files)]
        indexes += peers(place, files)
        if lacking := what_pulp_lacks():
            _say(began, f"{Pulp.name} is left out: {lacking}")
        else:
            indexes.append(Pulp(place / Pulp.name, files))
        if options.only:
            indexes = [
                index for index in indexes if index.name == OURS or any(part in index.name for part in options.only)
            ]
        for index in indexes:
            _say(began, f"filling {index.name}")
            index.fill()
        rounds: Rounds = {index.name: [] for index in indexes}
        problems: list[str] = []
        # Ctrl-C ends a run early; what was measured by then is shown.
        with contextlib.suppress(KeyboardInterrupt):
            for number, index in itertools.product(range(options.rounds), indexes):
                _say(began, f"round {number + 1}: {index.name}")
                try:
                    with index.started() as (running, found):
                        figures, failed = measured(place, running, files, options.seconds)
                        rounds[index.name].append(found | figures)
                except Failed as error:
                    failed = [str(error)]
                problems += [f"{index.name}, round {number + 1}: {problem}" for problem in failed]
                loads.append(os.getloadavg()[0])
    print(
        f"{len(files.small):,} wheels of 10 kB; medians of {len(rounds[OURS])} rounds, with the least and the most; "
        f"{os.cpu_count()} processors, load {min(loads):.1f} to {max(loads):.1f}\n"
    )
    show(rounds)
    if problems:
        print("\nWhat did not work")
        print("\n".join(problems))


def _say(began: float, what: str) -> None:
    print(f"{time.monotonic() - began:5.0f} s  {what}", file=sys.stderr)


def show(rounds: Rounds) -> None:
    """Print one table beside the best other index and the earlier build, and one with all indexes."""
    baseline = next((name for name in rounds if name.startswith(EARLIER)), "")
    others = [name for name in rounds if not name.startswith(OURS)]
    own = [name for name in (OURS, NGINX, FLOOR, baseline) if name in rounds]
    print(
        f"{'':40}{'':8}" + "".join(f"{name:>24}" for name in own) + f"{'the best other':>48}{'of it':>9}{'wanted':>8}"
    )
    for row in ROWS:
        best = _best(row, rounds, others)
        shown = "".join(f"{_cell(row, rounds[name]):>24}" for name in own)
        beside = f"{_cell(row, rounds[best])} {best}" if best else ""
        print(f"{row.name:40}{row.unit:8}{shown}{beside:>48}{_ratio(row, rounds, best):>9}{_number(row.than_best):>8}")
    print(f"\n{'What is wanted besides':48}{'found':>24}{'wanted':>14}")
    for row in ROWS:
        if row.goal is not None:
            least = "at least" if row.more_is_better else "at most"
            print(f"{row.name:40}{row.unit:8}{_cell(row, rounds[OURS]):>24}{f'{least} {row.goal:g}':>14}")
        if row.than_baseline and baseline:
            name, wanted = f"{row.name}, of {baseline}", f"at least {row.than_baseline:g}"
            print(f"{name:48}{_ratio(row, rounds, baseline):>24}{wanted:>14}")
    _show_processor_time(rounds, own, others)
    print(f"\n{'All others':48}" + "".join(f"{name:>26}" for name in others))
    for row in ROWS:
        print(f"{row.name:40}{row.unit:8}" + "".join(f"{_cell(row, rounds[name]):>26}" for name in others))


def _show_processor_time(rounds: Rounds, own: list[str], others: list[str]) -> None:
    """Print the rows that hardly depend on what else the machine does."""
    title = "Processor time of the index for one answer"
    print(f"\n{title:48}" + "".join(f"{name:>24}" for name in own) + f"{'the best other':>48}{'of it':>9}")
    for name in (row.name for row in ROWS):
        row = Row(processor_row(name), "ms")
        if _values(row, rounds[OURS]):
            best = _best(row, rounds, others)
            shown = "".join(f"{_cell(row, rounds[each]):>24}" for each in own)
            beside = f"{_cell(row, rounds[best])} {best}" if best else ""
            print(f"{name:40}{row.unit:8}{shown}{beside:>48}{_ratio(row, rounds, best):>9}")


def _values(row: Row, found: list[Figures]) -> list[float]:
    return [figures[row.name] for figures in found if row.name in figures]


def _best(row: Row, rounds: Rounds, names: list[str]) -> str:
    """Return which of these is the best in a row, or an empty text if none can do it."""
    middle = {name: statistics.median(values) for name in names if (values := _values(row, rounds[name]))}
    if not middle:
        return ""
    return max(middle, key=middle.__getitem__) if row.more_is_better else min(middle, key=middle.__getitem__)


def _ratio(row: Row, rounds: Rounds, other: str) -> str:
    """Return how many times as good as another index this site is."""
    if not other or not (mine := _values(row, rounds[OURS])) or not (theirs := _values(row, rounds[other])):
        return ""
    better, worse = statistics.median(mine), statistics.median(theirs)
    if not row.more_is_better:
        better, worse = worse, better
    return f"{better / worse:.2f}" if worse else ""


def _cell(row: Row, found: list[Figures]) -> str:
    values = _values(row, found)
    if not values:
        return "-"
    middle = _number(statistics.median(values))
    return f"{middle} ({_number(min(values))}-{_number(max(values))})"


def _number(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:,.0f}" if value >= 100 or value == int(value) else f"{value:.2f}"


if __name__ == "__main__":
    main()
