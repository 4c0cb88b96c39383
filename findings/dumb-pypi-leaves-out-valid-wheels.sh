#!/usr/bin/env bash
# dumb-pypi 1.15.0 leaves files out of its index whose version has an epoch, or that have several ABI tags.
#
# By PEP 440 a version may begin with an epoch, and in the name of a file "!" stays; by PEP 425 each of the three tags
# in a wheel's name may be a set with dots. packaging reads these names. dumb-pypi calls the first "unsafe" and the
# other "invalid", says that it skips them and ends with success: installers are offered an older version.
. "$(dirname "$0")/lib/setup.bash" dumb-pypi==1.15.0 packaging==26.4

python - >"$folder/seen" <<'PYTHON'
import os
import pathlib
import subprocess
import sys

from packaging.utils import parse_wheel_filename

folder = pathlib.Path(os.environ["FOLDER"])
names = ["kiln-1.0-py3-none-any.whl", "kiln-1!1.0-py3-none-any.whl"]
names += ["kiln-1.1-cp310.cp311-cp310.cp311-linux_x86_64.whl", "kiln-1.1-cp310.cp311-abi3-linux_x86_64.whl"]
(folder / "list").write_text("".join(f"{name}\n" for name in names))
command = [pathlib.Path(sys.prefix, "bin", "dumb-pypi"), "--package-list", folder / "list"]
command += ["--packages-url", "../../files", "--output-dir", folder / "index"]
done = subprocess.run(command, capture_output=True, text=True)
page = (folder / "index/simple/kiln/index.html").read_text()
for name in names:
    listed = "listed" if f">{name}<" in page else "left out"
    print(name, "packaging", parse_wheel_filename(name)[1], "dumb-pypi", listed)
print("ends with", done.returncode)
print(done.stderr.strip())
PYTHON

diff "$folder/seen" - <<'EXPECTED'
kiln-1.0-py3-none-any.whl packaging 1.0 dumb-pypi listed
kiln-1!1.0-py3-none-any.whl packaging 1!1.0 dumb-pypi left out
kiln-1.1-cp310.cp311-cp310.cp311-linux_x86_64.whl packaging 1.1 dumb-pypi left out
kiln-1.1-cp310.cp311-abi3-linux_x86_64.whl packaging 1.1 dumb-pypi listed
ends with 0
Unsafe package name: kiln-1!1.0-py3-none-any.whl (skipping package)
Invalid package name: kiln-1.1-cp310.cp311-cp310.cp311-linux_x86_64.whl (skipping package)
EXPECTED
