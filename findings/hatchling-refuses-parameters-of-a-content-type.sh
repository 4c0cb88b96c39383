#!/usr/bin/env bash
# hatchling 1.33.0 and uv_build 0.13.6 refuse a readme whose content type says the variant of Markdown.
#
# The content-type of [project.readme] becomes Description-Content-Type, for which the core metadata defines the
# parameters charset and variant; twine and indexes render by them. pdm-backend, poetry-core and flit-core write what
# they are given. Under hatchling, CommonMark cannot be asked for, and readers fall back to GFM.
. "$(dirname "$0")/lib/setup.bash" hatchling==1.33.0 uv_build==0.13.6 pdm-backend==2.5.0 poetry-core==2.5.0 \
    flit-core==4.2.0

python - >"$folder/seen" <<'PYTHON'
from backends import fields

for backend in ("hatchling.build", "uv_build", "pdm.backend", "poetry.core.masonry.api", "flit_core.buildapi"):
    readme = 'readme = {file = "README.md", content-type = "text/markdown; variant=CommonMark"}'
    print(backend, *fields(backend, readme, "Description-Content-Type", files={"README.md": "A kiln\n"}))
PYTHON

diff "$folder/seen" - <<'EXPECTED'
hatchling.build refused
uv_build refused
pdm.backend Description-Content-Type: text/markdown; variant=CommonMark
poetry.core.masonry.api Description-Content-Type: text/markdown; variant=CommonMark
flit_core.buildapi Description-Content-Type: text/markdown; variant=CommonMark
EXPECTED
