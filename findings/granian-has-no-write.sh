#!/usr/bin/env bash
# granian 2.8.9: start_response returns None instead of a write function.
#
# PEP 3333 demands the function for older applications, deprecated as it is. An application that calls it ends in a
# TypeError, and the client in a 500.
. "$(dirname "$0")/lib/setup.bash" granian==2.8.9

python - >"$folder/seen" <<'PYTHON'
from granian_site import answer_of

APPLICATION = """
def app(environ, start_response):
    write = start_response("200 OK", [("Content-Type", "text/plain")])
    write(b"first ")
    return [b"second"]
"""
print(answer_of(APPLICATION))
PYTHON

diff "$folder/seen" - <<'EXPECTED'
(500, 'Internal Server Error', b'')
EXPECTED
