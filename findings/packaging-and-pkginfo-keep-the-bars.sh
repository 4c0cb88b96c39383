#!/usr/bin/env bash
# packaging 26.4 and pkginfo 2.0 leave the bars of a folded Description in the text.
#
# The core metadata specification puts seven spaces and a "|" before each further line of a Description header, and says
# that they are to be taken away when the field is unfolded. dist-meta does so. The two others return each line with its
# bar, and packaging then writes the bars into the body of new metadata, where readers of the project's page see them.
. "$(dirname "$0")/lib/setup.bash" packaging==26.4 pkginfo==2.0 dist-meta==0.9.0

python - >"$folder/seen" <<'PYTHON'
from dist_meta import metadata
from packaging.metadata import Metadata, parse_email
from pkginfo import Distribution

description = ("Kilns::", "", "    kiln --slow", "", "That is all.")
text = "Metadata-Version: 2.1\nName: kiln\nVersion: 1.0\nDescription: " + "\n       |".join(description) + "\n"
read = Distribution()
read.parse(text)
print("dist-meta", repr(metadata.loads(text)["Description"]))
print("pkginfo  ", repr(read.description))
print("packaging", repr(parse_email(text)[0]["description"]))
print(Metadata.from_email(text).as_rfc822().as_string())
PYTHON

diff "$folder/seen" - <<'EXPECTED'
dist-meta 'Kilns::\n\n    kiln --slow\n\nThat is all.\n'
pkginfo   'Kilns::\n       |\n       |    kiln --slow\n       |\n       |That is all.'
packaging 'Kilns::\n       |\n       |    kiln --slow\n       |\n       |That is all.'
metadata-version: 2.1
name: kiln
version: 1.0

Kilns::
       |
       |    kiln --slow
       |
       |That is all.
EXPECTED
