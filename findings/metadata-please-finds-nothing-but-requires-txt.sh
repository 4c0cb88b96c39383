#!/usr/bin/env bash
# metadata-please 0.2.1 finds no dependencies in source distributions without requires.txt, and cuts URLs at "=".
#
# Only setuptools writes requires.txt. By PEP 643 PKG-INFO itself names the dependencies from version 2.2 on, and they
# are the same as those of the wheels. from_zip_sdist() and from_tar_sdist(), which are to return "emulated dist-info
# metadata contents", return nothing for the files of other build backends; basic_metadata_from_zip_sdist() has them.
# By the core metadata specification a comma divides the label and the URL in Project-URL; here it is the first "=".
. "$(dirname "$0")/lib/setup.bash" metadata-please==0.2.1

python - >"$folder/seen" <<'PYTHON'
import io
import tarfile
import zipfile

import metadata_please

FIELDS = """Metadata-Version: 2.2
Name: kiln
Version: 1.0
Project-URL: Manual, https://example.com/manual
Project-URL: Issues, https://example.com/issues?project=kiln
Provides-Extra: glaze
Requires-Dist: oven>=1
Requires-Dist: wood; extra == "glaze"
"""
REQUIRES = "oven>=1\n\n[glaze]\nwood\n"
for backend, requires in (("setuptools", {"kiln-1.0/kiln.egg-info/requires.txt": REQUIRES}), ("others", {})):
    archives = zipfile.ZipFile(io.BytesIO(), "w"), tarfile.open(fileobj=io.BytesIO(), mode="w")
    for name, text in {"kiln-1.0/PKG-INFO": FIELDS, **requires}.items():
        archives[0].writestr(name, text)
        member = tarfile.TarInfo(name)
        member.size = len(text)
        archives[1].addfile(member, io.BytesIO(text.encode()))
    archives[1].close()
    archives[1].fileobj.seek(0)
    print(backend)
    print("  zip  ", metadata_please.from_zip_sdist(archives[0]).decode().splitlines())
    with tarfile.open(fileobj=archives[1].fileobj) as archive:
        print("  tar  ", metadata_please.from_tar_sdist(archive).decode().splitlines())
    basic = metadata_please.basic_metadata_from_zip_sdist(archives[0])
    print("  basic", basic.reqs)
print(*basic.project_urls.items(), sep="\n")
PYTHON

diff "$folder/seen" - <<'EXPECTED'
setuptools
  zip   ['Requires-Dist: oven>=1', "Requires-Dist: wood; extra == 'glaze'", 'Provides-Extra: glaze']
  tar   ['Requires-Dist: oven>=1', "Requires-Dist: wood; extra == 'glaze'", 'Provides-Extra: glaze']
  basic ['oven>=1', 'wood; extra == "glaze"']
others
  zip   []
  tar   []
  basic ['oven>=1', 'wood; extra == "glaze"']
('Manual, https://example.com/manual', '')
('Issues, https://example.com/issues?project', 'kiln')
EXPECTED
