# Sourced by each finding with the pinned packages it needs: makes $folder, which is removed at the end, with an
# environment in it, and `python`, which also finds the modules beside this file.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q --disable-pip-version-check "$@"
modules=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

python() {
    PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=$modules FOLDER=$folder "$folder/venv/bin/python" "$@"
}
