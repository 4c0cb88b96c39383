#!/usr/bin/env bash
# pdm 2.29.4 does not read `default-groups` of a lock file: it knows a default group by its own name for it, "default".
#
# PEP 751: `default-groups` names the dependency groups that are installed by default, and leaves their names to the
# tool that locks; an extra is only installed when it is asked for. pip 26.3 and uv 0.13.9 do both. If the default group
# is called "main", pdm leaves out what belongs to it, and refuses an extra that is asked for, since the file has no
# group "default". By either name it installs what belongs to an extra that nobody asked for.
. "$(dirname "$0")/lib/setup.bash" pdm==2.29.4 hishel==1.4.0 pip==26.3 uv==0.13.9

python - >"$folder/seen" <<'PYTHON'
from lock_files import PROJECT, install, lock

project = PROJECT.replace("[tool.pdm]", '[project.optional-dependencies]\nglaze = ["kiln"]\n[tool.pdm]')
for group in ("default", "main"):
    head = f'extras = ["glaze"]\ndependency-groups = ["{group}"]\ndefault-groups = ["{group}"]'
    of_group = lock(head=head, package=f"marker = \"'{group}' in dependency_groups\"")
    of_extra = lock(head=head, package="marker = \"'glaze' in extras\"")
    for tool in ("pip", "uv", "pdm"):
        seen = [install(tool, of_group), install(tool, of_extra, project=project)]
        seen.append(install(tool, of_extra, extra="glaze", project=project).split(":")[0])
        print(group, tool, *seen, sep=", ")
PYTHON

diff "$folder/seen" - <<'EXPECTED'
default, pip, installed, nothing installed, installed
default, uv, installed, nothing installed, installed
default, pdm, installed, installed, installed
main, pip, installed, nothing installed, installed
main, uv, installed, nothing installed, installed
main, pdm, nothing installed, installed, refused
EXPECTED
