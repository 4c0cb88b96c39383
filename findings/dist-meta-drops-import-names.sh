#!/usr/bin/env bash
# dist-meta 0.9.0 drops the fields Import-Name and Import-Namespace when it writes metadata.
#
# Version 2.5 of the core metadata (PEP 794) has these fields, and hatchling and flit write them. metadata.loads reads
# them, but dumps writes no fields except those that it knows, under the same "Metadata-Version: 2.5". A tool that
# changes one field of a wheel in this way loses them without a warning.
. "$(dirname "$0")/lib/setup.bash" dist-meta==0.9.0

python - >"$folder/seen" <<'PYTHON'
from dist_meta import metadata

text = "Metadata-Version: 2.5\nName: kiln\nVersion: 1.0\nLicense-File: LICENSE\n"
fields = metadata.loads(text + "Import-Name: kiln\nImport-Namespace: oven\n")
print(fields["Import-Name"], fields["Import-Namespace"])
print(metadata.dumps(fields).strip())
PYTHON

diff "$folder/seen" - <<'EXPECTED'
kiln oven
Metadata-Version: 2.5
Name: kiln
Version: 1.0
License-File: LICENSE
EXPECTED
