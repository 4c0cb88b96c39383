#!/usr/bin/env bash
# poetry-core 2.5.0 writes a dependency that is never needed as one that is always needed.
#
# A marker decides whether a dependency is installed. poetry-core sees that a marker cannot be true, has then no text
# for it, and writes the dependency without one. Such markers come from tools that join conditions, or stay when a
# branch dies out. By hatchling's metadata of the same project the dependency is never installed.
. "$(dirname "$0")/lib/setup.bash" poetry-core==2.5.0 hatchling==1.33.0

mkdir "$folder/kiln"
touch "$folder/kiln/__init__.py"
cat >"$folder/pyproject.toml" <<'TOML'
[project]
name = "kiln"
version = "1.0"
description = "A kiln"
dependencies = [
    "clay; python_version >= '3.9' and python_version < '3.9'",
    "glaze; sys_platform == 'win32' and sys_platform == 'linux'",
]
TOML
cd "$folder"
for backend in poetry.core.masonry.api hatchling.build; do
    python -c "
import zipfile, $backend as backend
held = zipfile.ZipFile(backend.build_wheel('.')).read('kiln-1.0.dist-info/METADATA').decode()
print('$backend', *(line for line in held.splitlines() if line.startswith('Requires-Dist')), sep='\n')
" >>"$folder/seen"
done

diff "$folder/seen" - <<'EXPECTED'
poetry.core.masonry.api
Requires-Dist: clay
Requires-Dist: glaze
hatchling.build
Requires-Dist: clay; python_version >= '3.9' and python_version < '3.9'
Requires-Dist: glaze; sys_platform == 'win32' and sys_platform == 'linux'
EXPECTED
