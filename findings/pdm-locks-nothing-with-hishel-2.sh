#!/usr/bin/env bash
# pdm 2.29.4 accepts hishel 2.0.0 and cannot lock with it.
#
# It asks for hishel from 1.4.0 on, without an upper limit, so a new installation takes 2.0.0. `pdm lock` then ends with
# an error about a class that hishel no longer has. With 1.4.0 it works.
. "$(dirname "$0")/lib/setup.bash" pdm==2.29.4 hishel==2.0.0

mkdir "$folder/project"
cat >"$folder/project/pyproject.toml" <<'TOML'
[project]
name = "kiln"
version = "1.0"
requires-python = ">=3.11"
dependencies = ["six==1.17.0"]
TOML
"$folder/venv/bin/pdm" lock --project "$folder/project" 2>&1 | grep -o "AttributeError.*" >"$folder/seen" || true

diff "$folder/seen" - <<'EXPECTED'
AttributeError]: module 'hishel' has no attribute 'SyncSqliteStorage'
EXPECTED
