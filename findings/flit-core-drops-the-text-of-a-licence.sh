#!/usr/bin/env bash
# flit-core 4.2.0 drops the licence of a project that gives it as a text.
#
# In the specification of pyproject.toml, `text` of the license table becomes the field License of the core metadata,
# flit's documentation lists the key, and many projects have the name of their licence there. flit-core reads it and
# writes nothing: the index shows no licence, and tools that check licences find none. The others write it.
. "$(dirname "$0")/lib/setup.bash" flit-core==4.2.0 hatchling==1.33.0 pdm-backend==2.5.0 poetry-core==2.5.0

python - >"$folder/seen" <<'PYTHON'
from backends import fields

for backend in ("flit_core.buildapi", "hatchling.build", "pdm.backend", "poetry.core.masonry.api"):
    print(backend, *fields(backend, 'license = {text = "MIT"}', "License"))
PYTHON

diff "$folder/seen" - <<'EXPECTED'
flit_core.buildapi
hatchling.build License: MIT
pdm.backend License: MIT
poetry.core.masonry.api License: MIT
EXPECTED
