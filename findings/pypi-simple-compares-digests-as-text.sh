#!/usr/bin/env bash
# pypi-simple 1.8.0 takes a digest in capital letters for a wrong one.
#
# PEP 503 and PEP 691 ask for the hex-encoded digest and say nothing of its letters. pip and uv compare digests whatever
# their case. PyPISimple.download_package compares the index's text with the lower-case text of hashlib: it downloads
# the file, raises DigestMismatchError and removes the file, although it has arrived unharmed.
. "$(dirname "$0")/lib/setup.bash" pypi-simple==1.8.0 pip==26.3 uv==0.13.9

python - >"$folder/seen" <<'PYTHON'
import shutil

from pypi_simple import PyPISimple
from pypi_simple.errors import DigestMismatchError
from simple_index import FOLDER, INDEX, WHEEL, install, serve_page, serve_wheel

digest = serve_wheel()
for text in (digest, digest.upper()):
    serve_page(f'<a href="/files/{WHEEL}#sha256={text}">{WHEEL}</a>')
    with PyPISimple(f"{INDEX}/simple/") as client:
        package = client.get_project_page("kiln").packages[0]
        try:
            client.download_package(package, FOLDER / WHEEL)
            said = "downloaded"
        except DigestMismatchError as error:
            said = type(error).__name__
    for tool in ("pip", "uv"):
        shutil.rmtree(FOLDER / tool, ignore_errors=True)
    print("capitals" if text.isupper() else "small letters", said, install("pip"), install("uv"))
PYTHON

diff "$folder/seen" - <<'EXPECTED'
small letters downloaded installed installed
capitals DigestMismatchError installed installed
EXPECTED
