#!/usr/bin/env bash
# pdm-backend 2.5.0 and uv_build 0.13.6 refuse a readme named README.MD; for poetry-core 2.5.0 it is plain text.
#
# The specification of pyproject.toml says that tools MUST take a file whose name ends in .md for Markdown and one that
# ends in .rst for reStructuredText, whatever the case of the letters. hatchling and flit-core do so. With poetry-core
# the index shows the source text where the page of the project should be.
. "$(dirname "$0")/lib/setup.bash" pdm-backend==2.5.0 uv_build==0.13.6 poetry-core==2.5.0 hatchling==1.33.0 \
    flit-core==4.2.0

python - >"$folder/seen" <<'PYTHON'
from backends import fields

for backend in ("pdm.backend", "uv_build", "poetry.core.masonry.api", "hatchling.build", "flit_core.buildapi"):
    for name in ("README.md", "README.MD", "README.RST"):
        seen = fields(backend, f'readme = "{name}"', "Description-Content-Type", files={name: "A kiln\n"})
        print(backend, name, *seen)
PYTHON

diff "$folder/seen" - <<'EXPECTED'
pdm.backend README.md Description-Content-Type: text/markdown
pdm.backend README.MD refused
pdm.backend README.RST refused
uv_build README.md Description-Content-Type: text/markdown
uv_build README.MD refused
uv_build README.RST refused
poetry.core.masonry.api README.md Description-Content-Type: text/markdown
poetry.core.masonry.api README.MD Description-Content-Type: text/plain
poetry.core.masonry.api README.RST Description-Content-Type: text/plain
hatchling.build README.md Description-Content-Type: text/markdown
hatchling.build README.MD Description-Content-Type: text/markdown
hatchling.build README.RST Description-Content-Type: text/x-rst
flit_core.buildapi README.md Description-Content-Type: text/markdown
flit_core.buildapi README.MD Description-Content-Type: text/markdown
flit_core.buildapi README.RST Description-Content-Type: text/x-rst
EXPECTED
