#!/usr/bin/env bash
# poetry-core 2.5.0 takes the spaces out of the names of entry points.
#
# The entry points specification allows any characters but "=" in a name, and recommends letters, digits, underscores,
# dots and dashes only for new ones. poetry-core writes "slow fire" as "slowfire", so that the program that looks for
# its plugin by name does not find it. hatchling and flit-core keep the name.
. "$(dirname "$0")/lib/setup.bash" poetry-core==2.5.0 hatchling==1.33.0 flit-core==4.2.0

mkdir "$folder/kiln"
touch "$folder/kiln/__init__.py"
cat >"$folder/pyproject.toml" <<'TOML'
[project]
name = "kiln"
version = "1.0"
description = "A kiln"

[project.entry-points."oven.programs"]
"slow fire" = "kiln:slow"
TOML
cd "$folder"
for backend in poetry.core.masonry.api hatchling.build flit_core.buildapi; do
    python -c "
import importlib.metadata, pathlib, zipfile, $backend as backend
zipfile.ZipFile(backend.build_wheel('.')).extractall('unpacked')
for point in importlib.metadata.PathDistribution(pathlib.Path('unpacked/kiln-1.0.dist-info')).entry_points:
    print('$backend', repr(point.name), point.value)
" >>"$folder/seen"
done

diff "$folder/seen" - <<'EXPECTED'
poetry.core.masonry.api 'slowfire' kiln:slow
hatchling.build 'slow fire' kiln:slow
flit_core.buildapi 'slow fire' kiln:slow
EXPECTED
