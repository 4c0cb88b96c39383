"""`make bench NAME=scale_beside ARGS=FOLDER`: every kind of page with 500,000 packages, beside another build.

FOLDER is a checkout of the other build with its own `.venv`. Both fill a database of their own on the same mongod. Then
each kind of page is asked for at many addresses, the two builds in turn: first as in production, then with
PAGE_CACHE_S=0, so that the site keeps no page ("anew"). Each measurement is preceded by one that does not count.
"""

import argparse
import tempfile
from pathlib import Path
from typing import Any

import pymongo

from benchmarks.builds import HERE, Build, build_at, measure_loading
from benchmarks.scale import GOAL_MS, Times, addresses, children_of, times
from webapp.mongodb import embedded

# A page that takes up to this many times as long is not slower: two runs of one build differ as much.
NOISE = 1.1
Found = dict[str, tuple[Times, Times]]


def main() -> None:
    """Fill, measure, and print the tables."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("other", type=Path, help="a checkout of the other build, with its own .venv")
    options.add_argument("--packages", type=int, default=500_000)
    options.add_argument("--seconds", type=float, default=1.0, help="length of one measurement")
    options.add_argument("--only", default="", help="only the pages whose names contain this")
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory(prefix="larder-scale-") as folder:
        place = Path(folder) / "mongodb"
        uri = embedded.acquire(place, database="")
        try:
            client = pymongo.MongoClient[Any](uri)
            mongod = int((place / "mongod.lock").read_text())
            other = build_at(chosen.other.resolve(), client, uri, "other")
            this = build_at(HERE, client, uri, "this")
            print(f"{chosen.packages:,} packages of a made-up catalogue\n")
            measure_loading(other, this, chosen.packages, mongod)
            pages = {name: urls for name, urls in addresses(chosen.packages).items() if chosen.only in name}
            production = _measured(other, this, mongod, pages, chosen.seconds)
            anew = _measured(other, this, mongod, pages, chosen.seconds, PAGE_CACHE_S="0")
        finally:
            embedded.release()
    _print(production, anew)


def _measured(
    other: Build, this: Build, mongod: int, pages: dict[str, list[str]], seconds: float, **settings: str
) -> Found:
    with other.served(**settings) as others, this.served(**settings) as own:
        # Those that answer have no children; the processes that started them wait.
        served = [
            (build, [*(each for each in processes if not children_of(each)), mongod])
            for build, processes in ((other, others), (this, own))
        ]
        found = {}
        for name, urls in pages.items():
            theirs, ours = (times(build.url, urls, seconds, processes) for build, processes in served)
            found[name] = (theirs, ours)
        return found


def _print(production: Found, anew: Found) -> None:
    print(f"{'ms':40}{'p95 in production':>20}{'p95 anew':>20}{'CPU anew':>20}")
    print(f"{'':40}" + f"{'other':>12}{'this':>8}" * 3 + f"{'ratio':>8}")
    for name, (theirs, ours) in production.items():
        other, this = anew[name]
        print(
            f"{name:40}{theirs.p95:12.1f}{ours.p95:8.1f}{other.p95:12.1f}{this.p95:8.1f}"
            f"{other.cpu:12.2f}{this.cpu:8.2f}{this.cpu / other.cpu:8.2f}"
        )
    print(f"\nof {len(anew)} kinds of page{'other':>19}{'this':>8}")
    for title, found in (("in production", production), ("anew", anew)):
        under = [sum(pair[column].p95 < GOAL_MS for pair in found.values()) for column in (0, 1)]
        print(f"{f'p95 under {GOAL_MS} ms {title}':32}{under[0]:8}{under[1]:8}")
    slower = [name for name, (other, this) in anew.items() if this.cpu > NOISE * other.cpu]
    print(f"\nmore than {NOISE} times the other build's processor time: {', '.join(slower) or 'none'}")


if __name__ == "__main__":
    main()
