#!/usr/bin/env bash
# uv_build 0.13.6 refuses the licence "mit", and pdm-backend 2.5.0 writes it down as it is.
#
# The case of SPDX identifiers does not matter, and PEP 639 asks tools to store them in the letters of the SPDX list,
# with AND, OR and WITH in capitals. hatchling and poetry-core do both. uv_build says that "mit" is no valid expression,
# and leaves "or" as it is; flit-core 4.2.0 has it the other way round.
. "$(dirname "$0")/lib/setup.bash" uv_build==0.13.6 pdm-backend==2.5.0 hatchling==1.33.0 flit-core==4.2.0 \
    poetry-core==2.5.0

python - >"$folder/seen" <<'PYTHON'
from backends import fields

for backend in ("uv_build", "pdm.backend", "hatchling.build", "flit_core.buildapi", "poetry.core.masonry.api"):
    for expression in ("mit", "MIT or ISC"):
        print(backend, expression, *fields(backend, f'license = "{expression}"', "License-Expression"))
PYTHON

diff "$folder/seen" - <<'EXPECTED'
uv_build mit refused
uv_build MIT or ISC License-Expression: MIT or ISC
pdm.backend mit License-Expression: mit
pdm.backend MIT or ISC License-Expression: MIT or ISC
hatchling.build mit License-Expression: MIT
hatchling.build MIT or ISC License-Expression: MIT OR ISC
flit_core.buildapi mit License-Expression: MIT
flit_core.buildapi MIT or ISC refused
poetry.core.masonry.api mit License-Expression: MIT
poetry.core.masonry.api MIT or ISC License-Expression: MIT OR ISC
EXPECTED
