#!/usr/bin/env bash
# pdm-backend 2.5.0 calls an author without a name "Unknown", and poetry-core 2.5.0 takes the address for the name.
#
# The specification of pyproject.toml says that an author with nothing but an email goes into Author-email as it is.
# hatchling and flit-core do so. On an index a project then has an author named Unknown, or one whose
# address is no address that a reader can write to.
. "$(dirname "$0")/lib/setup.bash" pdm-backend==2.5.0 poetry-core==2.5.0 hatchling==1.33.0 flit-core==4.2.0

python - >"$folder/seen" <<'PYTHON'
from backends import fields

for backend in ("pdm.backend", "poetry.core.masonry.api", "hatchling.build", "flit_core.buildapi"):
    print(backend, *fields(backend, 'authors = [{email = "ada@example.org"}]', "Author"))
PYTHON

diff "$folder/seen" - <<'EXPECTED'
pdm.backend Author-Email: Unknown <ada@example.org>
poetry.core.masonry.api Author: ada@example.org
hatchling.build Author-email: ada@example.org
flit_core.buildapi Author-email: ada@example.org
EXPECTED
