#!/usr/bin/env bash
# cyclonedx-python-lib 11.12.0 takes "LicenseRef-Proprietary AND MIT" for the name of a licence.
#
# By PEP 639 this is a licence expression, and with a LicenseRef is how projects say what is not on the SPDX list;
# packaging reads it. LicenseFactory makes an expression of "MIT AND ISC", but of this one, or of one with "+",
# a licence of that name, so cyclonedx-py writes License-Expression as `name`, where no tool finds MIT in it.
. "$(dirname "$0")/lib/setup.bash" cyclonedx-python-lib==11.12.0 packaging==26.4

python -W ignore::DeprecationWarning - >"$folder/seen" <<'PYTHON'
from cyclonedx.factory.license import LicenseFactory
from packaging.licenses import canonicalize_license_expression

for text in ("MIT AND ISC", "LicenseRef-Proprietary AND MIT", "LicenseRef-One OR LicenseRef-Two", "Apache-2.0+ OR MIT"):
    made = LicenseFactory().make_from_string(text)
    print(type(made).__name__, "|", getattr(made, "name", None), "| packaging:", canonicalize_license_expression(text))
PYTHON

diff "$folder/seen" - <<'EXPECTED'
LicenseExpression | None | packaging: MIT AND ISC
DisjunctiveLicense | LicenseRef-Proprietary AND MIT | packaging: LicenseRef-Proprietary AND MIT
DisjunctiveLicense | LicenseRef-One OR LicenseRef-Two | packaging: LicenseRef-One OR LicenseRef-Two
DisjunctiveLicense | Apache-2.0+ OR MIT | packaging: Apache-2.0+ OR MIT
EXPECTED
