#!/usr/bin/env bash
# libpass 1.9.4: a stored argon2 hash that is stronger than the policy is replaced by a weaker one.
#
# CryptContext.verify_and_update offers a new hash whenever the stored parameters differ from the context's, not only
# when they are lower: after `time_cost` is lowered, each sign-in weakens one stored hash. For bcrypt and PBKDF2 the
# number of rounds may be higher: no new hash.
. "$(dirname "$0")/lib/setup.bash" libpass==1.9.4 argon2-cffi==25.1.0

python - >"$folder/seen" <<'PYTHON'
import re
from passlib.context import CryptContext
from passlib.hash import argon2, pbkdf2_sha256

policy = CryptContext(["argon2"], argon2__memory_cost=8192, argon2__time_cost=1)
stored = argon2.using(memory_cost=8192, time_cost=4).hash("a password")
right, new = policy.verify_and_update("a password", stored)
print(right, re.search("m=.*?p", stored)[0], "->", re.search("m=.*?p", new)[0])

policy = CryptContext(["pbkdf2_sha256"], pbkdf2_sha256__min_rounds=1000)
print(policy.verify_and_update("a password", pbkdf2_sha256.using(rounds=90_000).hash("a password")))
PYTHON

diff "$folder/seen" - <<'EXPECTED'
True m=8192,t=4,p -> m=8192,t=1,p
(True, None)
EXPECTED
