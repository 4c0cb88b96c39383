#!/usr/bin/env bash
# license-expression 30.4.4 finds errors in the SPDX expressions LicenseRef-Proprietary and Apache-2.0+.
#
# The grammar of SPDX has both: a LicenseRef for what is not on the list, which PEP 639 recommends to Python projects,
# and a "+" behind an identifier for later versions. To get_spdx_licensing().validate they are unknown keys, unless the
# LicenseRef is one of its own: for Net-SNMP of the SPDX list it writes such a one. packaging accepts all of them.
. "$(dirname "$0")/lib/setup.bash" license-expression==30.4.4 packaging==26.4

python - >"$folder/seen" <<'PYTHON'
from license_expression import get_spdx_licensing
from packaging.licenses import canonicalize_license_expression

for text in ("MIT OR ISC", "LicenseRef-Proprietary", "MIT AND LicenseRef-Proprietary", "Apache-2.0+", "Net-SNMP"):
    found = get_spdx_licensing().validate(text)
    print(text, "|", found.normalized_expression, *found.errors, "| packaging:", canonicalize_license_expression(text))
PYTHON

diff "$folder/seen" - <<'EXPECTED'
MIT OR ISC | MIT OR ISC | packaging: MIT OR ISC
LicenseRef-Proprietary | None Unknown license key(s): LicenseRef-Proprietary | packaging: LicenseRef-Proprietary
MIT AND LicenseRef-Proprietary | None Unknown license key(s): LicenseRef-Proprietary | packaging: MIT AND LicenseRef-Proprietary
Apache-2.0+ | None Unknown license key(s): Apache-2.0+ | packaging: Apache-2.0+
Net-SNMP | LicenseRef-scancode-net-snmp | packaging: Net-SNMP
EXPECTED
