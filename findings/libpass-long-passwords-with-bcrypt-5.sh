#!/usr/bin/env bash
# libpass 1.9.4 with bcrypt 5.0.0: a password of more than 72 bytes raises ValueError, also when it is only checked.
#
# Its documentation says that "by default, BCrypt will silently truncate passwords larger than 72 bytes". It accepts any
# bcrypt from 3.1.0 on, and leaves the truncation to it; bcrypt 5 refuses instead. Whoever had such a password cannot
# sign in any more, and whoever types a long one gets a server error. With bcrypt 4 it is as documented; bcrypt_sha256
# is unaffected.
. "$(dirname "$0")/lib/setup.bash" libpass==1.9.4 bcrypt==5.0.0

python - >"$folder/seen" <<'PYTHON'
import importlib.metadata
import subprocess
import sys

check = """
from passlib.hash import bcrypt
stored = "$2b$04$abcdefghijklmnopqrstuuNt.0ah97gHY3F7JC1Z6EXmQc0bQBhIO"
for call in lambda: bcrypt.using(rounds=4).hash("p" * 73)[:7], lambda: bcrypt.verify("p" * 73, stored):
    try:
        print(call())
    except ValueError as error:
        print("ValueError:", error)
"""
for version in "4.3.0", "5.0.0":
    pip = ["-m", "pip", "install", "-q", "--disable-pip-version-check", f"bcrypt=={version}"]
    subprocess.run([sys.executable, *pip], check=True)
    print("bcrypt", importlib.metadata.version("bcrypt"), flush=True)
    subprocess.run([sys.executable, "-c", check], check=True)
PYTHON

diff "$folder/seen" - <<'EXPECTED'
bcrypt 4.3.0
$2b$04$
True
bcrypt 5.0.0
ValueError: password cannot be longer than 72 bytes, truncate manually if necessary (e.g. my_password[:72])
ValueError: password cannot be longer than 72 bytes, truncate manually if necessary (e.g. my_password[:72])
EXPECTED
