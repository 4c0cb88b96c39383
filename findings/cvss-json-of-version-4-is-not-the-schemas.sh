#!/usr/bin/env bash
# cvss 3.6: the JSON of a CVSS 4.0 vector does not follow the schema that it names.
#
# CVSS4.as_json promises a "JSON schema-compatible CVSS representation" and names FIRST's schema of version 4.0. In that
# (its edition 20240216) the version is "4.0", a severity is in capitals, "adjacent" is ADJACENT, and the keys are
# attackRequirements and vulnConfidentialityImpact. Whoever passes this on, in an advisory for example, has it refused.
# `minimal` has no effect either: ten metrics come along that the vector does not have. For a 3.1 vector it leaves them
# out.
. "$(dirname "$0")/lib/setup.bash" cvss==3.6

python - >"$folder/seen" <<'PYTHON'
from cvss import CVSS3, CVSS4

data = CVSS4("CVSS:4.0/AV:A/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N").as_json(minimal=True)
print({key: data[key] for key in ("version", "baseSeverity", "attackVector")})
print([key for key in ("attackRequirements", "vulnConfidentialityImpact") if key in data])
print([key for key in data if key.startswith(("attackR", "vulnerableSystemImpactC"))])
print(sum(value == "NOT_DEFINED" for value in data.values()), "not defined")
data = CVSS3("CVSS:3.1/AV:A/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H").as_json(minimal=True)
print({key: data[key] for key in ("version", "baseSeverity", "attackVector")})
print(sum(value == "NOT_DEFINED" for value in data.values()), "not defined")
PYTHON

diff "$folder/seen" - <<'EXPECTED'
{'version': '4', 'baseSeverity': 'High', 'attackVector': 'ADJACENT_NETWORK'}
[]
['attackRequirement', 'vulnerableSystemImpactConfidentiality']
10 not defined
{'version': '3.1', 'baseSeverity': 'HIGH', 'attackVector': 'ADJACENT_NETWORK'}
0 not defined
EXPECTED
