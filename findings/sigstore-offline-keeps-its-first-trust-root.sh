#!/usr/bin/env bash
# sigstore 4.5.1, offline: an upgrade of the package brings no new keys.
#
# Offline mode copies the trust root of the installed package into the user's cache, unless one is there. So whoever
# verified with 4.1.0 before the upgrade goes on verifying with its keys, while a new user gets those of 4.5.1, with
# the newer log. It also needs a home directory that can be written. `TrustedRoot.from_file` has neither problem.
. "$(dirname "$0")/lib/setup.bash" sigstore==4.1.0

upgrade() {
    "$folder/venv/bin/pip" uninstall -q -y pyopenssl # which 4.5.1 does without
    "$folder/venv/bin/pip" install -q --disable-pip-version-check sigstore==4.5.1
}

logs_known_to() {
    XDG_CACHE_HOME="$folder/$1" XDG_DATA_HOME="$folder/$1" python - 2>/dev/null <<'PYTHON'
from importlib.metadata import version

from sigstore.models import ClientTrustConfig

root = ClientTrustConfig.production(offline=True).trusted_root
print(version("sigstore"), *(log.base_url for log in root._inner.tlogs))
PYTHON
}

{
    logs_known_to somebody
    upgrade
    logs_known_to somebody
    logs_known_to newcomer
} >"$folder/seen"

diff "$folder/seen" - <<'EXPECTED'
4.1.0 https://rekor.sigstore.dev
4.5.1 https://rekor.sigstore.dev
4.5.1 https://rekor.sigstore.dev https://log2025-1.rekor.sigstore.dev
EXPECTED
