"""How long descriptions take to render in child processes, beside the same renderer in this process.

    python -m benchmarks.rendering FOLDER

FOLDER holds documents of PyPI's JSON API (*.json). Each description is rendered in both ways, one after the other, in
rounds; of each description the fastest round counts, as other programs can only make it slower. The floor collects
cycles as a web process does (see app.py). Then the site is started with and without the parsers.
"""

import gc
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple

from webapp.rendering import markup, render_description, renderers

ROUNDS = 7
ROOT = Path(__file__).resolve().parents[1]
START = """
import time
begun = time.process_time()
import {modules}
print(time.process_time() - begun, int(open("/proc/self/status").read().split("VmHWM:")[1].split()[0]) / 1024)
"""


class Text(NamedTuple):
    """A description."""

    name: str
    text: str
    content_type: str | None

    def rendered_here(self) -> str | None:
        """Render it in this process, as the child does."""
        is_markdown = (self.content_type or "").startswith("text/markdown")
        return markup.render(self.text, "GFM" if is_markdown else "rst")


def main(folder: Path) -> None:
    """Measure, and print."""
    infos = [json.loads(path.read_bytes())["info"] for path in sorted(folder.glob("*.json"))]
    texts = [Text(info["name"], info["description"], info["description_content_type"]) for info in infos]
    texts = [text for text in texts if (text.text or "").strip() and text.content_type != "text/plain"]
    print(f"{len(texts)} descriptions; {os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}; {ROUNDS} rounds")
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)
    children = renderers(1)
    begun = time.perf_counter()
    render_description("first", "text/markdown", children)
    print(f"first description of a process, with the start of the child: {time.perf_counter() - begun:.2f} s")
    here = {text.name: float("inf") for text in texts}
    child = dict(here)
    for _ in range(ROUNDS):
        for text in texts:
            here[text.name] = min(here[text.name], _timed(text.rendered_here))
            in_child = partial(render_description, text.text, text.content_type, children)
            child[text.name] = min(child[text.name], _timed(in_child))
    children.close()
    print(f"{'':24}{'in this process':>18}{'in a child':>14}{'ratio':>8}")
    sums = [sum(times.values()) * 1000 / len(texts) for times in (here, child)]
    print(f"{'mean, all':24}{sums[0]:>15.2f} ms{sums[1]:>11.2f} ms{sums[1] / sums[0]:>8.2f}")
    ratios = sorted(child[text.name] / here[text.name] for text in texts)
    print(f"ratio of one description: median {statistics.median(ratios):.2f}, at most {ratios[-1]:.2f}")
    for label, modules in (
        ("the site", "webapp"),
        ("the site with parsers", "webapp, webapp.rendering.markup"),
    ):
        print(f"{label:24} {_start(modules)}")


def _timed(act: Callable[[], object]) -> float:
    begun = time.perf_counter()
    act()
    return time.perf_counter() - begun


def _start(modules: str) -> str:
    found = []
    for _ in range(ROUNDS):
        output = subprocess.check_output([sys.executable, "-c", START.format(modules=modules)], cwd=ROOT, text=True)
        found.append([float(value) for value in output.split()])
    seconds, megabytes = (min(values) for values in zip(*found, strict=True))
    return f"{seconds:6.2f} s of processor time to import, {megabytes:5.0f} MB"


if __name__ == "__main__":
    main(Path(sys.argv[1]))
