#!/usr/bin/env bash
# poetry-core 2.5.0 writes the first author of a project into its metadata and drops the others.
#
# The specification of pyproject.toml says that several authors are written separated by commas; hatchling and
# flit-core do so. With poetry-core, and the same [project] table, the index shows one of three authors, and one of two
# maintainers. Nothing is printed about it.
. "$(dirname "$0")/lib/setup.bash" poetry-core==2.5.0 hatchling==1.33.0 flit-core==4.2.0

mkdir "$folder/kiln"
touch "$folder/kiln/__init__.py"
cd "$folder"
for backend in poetry.core.masonry.api hatchling.build flit_core.buildapi; do
    cat >pyproject.toml <<TOML
[build-system]
requires = []
build-backend = "$backend"

[project]
name = "kiln"
version = "1.0"
description = "A kiln"
authors = [
    {name = "Ada", email = "ada@example.org"},
    {name = "Ben", email = "ben@example.org"},
    {name = "Cleo"},
]
maintainers = [{name = "Dan"}, {name = "Eve"}]
TOML
    echo "$backend" >>"$folder/seen"
    python -c "
import zipfile, $backend as backend
held = zipfile.ZipFile(backend.build_wheel('.')).read('kiln-1.0.dist-info/METADATA').decode()
print(*sorted(line for line in held.splitlines() if line.startswith(('Author', 'Maintainer'))), sep='\n')
" >>"$folder/seen"
done

diff "$folder/seen" - <<'EXPECTED'
poetry.core.masonry.api
Author-email: ada@example.org
Author: Ada
Maintainer: Dan
hatchling.build
Author-email: Ada <ada@example.org>, Ben <ben@example.org>
Author: Cleo
Maintainer: Dan, Eve
flit_core.buildapi
Author-email: Ada <ada@example.org>, Ben <ben@example.org>
Author: Cleo
Maintainer: Dan, Eve
EXPECTED
