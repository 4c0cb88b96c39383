#!/usr/bin/env bash
# dist-meta 0.9.0 reads a comment in entry_points.txt as an entry point, or fails on it.
#
# The entry points specification says that the file is an INI file as configparser reads it, and its own example has a
# comment. dist-meta returns an entry point that was commented out, under the name "# slow", and raises ValueError for a
# comment without an equals sign. importlib.metadata of the standard library skips both.
. "$(dirname "$0")/lib/setup.bash" dist-meta==0.9.0

python - >"$folder/seen" <<'PYTHON'
import os
import pathlib
from importlib.metadata import PathDistribution

from dist_meta import entry_points

info = pathlib.Path(os.environ["FOLDER"], "kiln-1.0.dist-info")
info.mkdir()
for comment in ("# slow = kiln:slow", "# the fast one"):
    text = f"[oven.programs]\n{comment}\nfast = kiln:fast\n"
    (info / "entry_points.txt").write_text(text)
    print("importlib.metadata", [point.name for point in PathDistribution(info).entry_points])
    try:
        print("dist-meta", entry_points.loads(text))
    except ValueError as error:
        print("dist-meta", error)
PYTHON

diff "$folder/seen" - <<'EXPECTED'
importlib.metadata ['fast']
dist-meta {'oven.programs': {'# slow': 'kiln:slow', 'fast': 'kiln:fast'}}
importlib.metadata ['fast']
dist-meta '=' not in '# the fast one'
EXPECTED
