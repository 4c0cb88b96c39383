#!/usr/bin/env bash
# simple503 0.4.0 lists the releases of one spelling of a project's name only, and the project twice.
#
# By PEP 503 "Zope.Kiln" and "zope-kiln" are one project, and a project may change the spelling in its metadata from
# one release to the next, as many did when build backends began to normalize it. simple503 groups the wheels by the
# name as it is written, then writes each group to the same page, zope-kiln/index.html: the last group replaces the
# others, and pip finds no version but theirs.
. "$(dirname "$0")/lib/setup.bash" simple503==0.4.0 dist-meta==0.9.0

python - >"$folder/seen" <<'PYTHON'
import os
import pathlib
import re
import zipfile

import simple503

folder = pathlib.Path(os.environ["FOLDER"], "index")
folder.mkdir()
for name, version in ("Zope.Kiln", "1.0"), ("Zope.Kiln", "1.1"), ("zope-kiln", "1.2"):
    info = f"zope_kiln-{version}.dist-info"
    with zipfile.ZipFile(folder / f"zope_kiln-{version}-py3-none-any.whl", "w") as wheel:
        wheel.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{info}/RECORD", "")
simple503.make_simple(folder, sort=True)
print("files", *sorted(path.name for path in folder.rglob("*.whl")))
for page in folder / "index.html", folder / "zope-kiln/index.html":
    print(page.parent.name, *re.findall(r'<a href="([^"#]*)', page.read_text()))
PYTHON

diff "$folder/seen" - <<'EXPECTED'
files zope_kiln-1.0-py3-none-any.whl zope_kiln-1.1-py3-none-any.whl zope_kiln-1.2-py3-none-any.whl
index /zope-kiln/ /zope-kiln/
zope-kiln /zope-kiln/zope_kiln-1.2-py3-none-any.whl
EXPECTED
