#!/usr/bin/env bash
# poetry-core 2.5.0 classifies a project as proprietary if its licence is given by file or as a text it does not know.
#
# Poetry's documentation says that the licence sets its classifier, but "Other/Proprietary License" is the opposite of
# the free licence in the file or the text here. By the specification of pyproject.toml a backend cannot add classifiers
# that the project does not list in `dynamic`, and hatchling and pdm-backend add none.
. "$(dirname "$0")/lib/setup.bash" poetry-core==2.5.0 hatchling==1.33.0 pdm-backend==2.5.0

python - >"$folder/seen" <<'PYTHON'
from backends import fields

TEXT = "MIT License: permission is hereby granted, free of charge, to any person"
for backend in ("poetry.core.masonry.api", "hatchling.build", "pdm.backend"):
    for table in ('license = {file = "LICENSE"}', 'license = {text = "MIT licence, see LICENSE"}'):
        print(backend, *fields(backend, table, "License:", "Classifier: License", files={"LICENSE": TEXT}))
PYTHON

diff "$folder/seen" - <<'EXPECTED'
poetry.core.masonry.api License: MIT License: permission is hereby granted, free of charge, to any person Classifier: License :: Other/Proprietary License
poetry.core.masonry.api License: MIT licence, see LICENSE Classifier: License :: Other/Proprietary License
hatchling.build License: MIT License: permission is hereby granted, free of charge, to any person
hatchling.build License: MIT licence, see LICENSE
pdm.backend License: MIT License: permission is hereby granted, free of charge, to any person
pdm.backend License: MIT licence, see LICENSE
EXPECTED
