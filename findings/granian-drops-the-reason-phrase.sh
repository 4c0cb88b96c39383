#!/usr/bin/env bash
# granian 2.8.9 replaces the reason phrase of a WSGI application by the usual one.
#
# PEP 3333 has the application pass the whole status line, such as "400 Description is broken". granian sends the
# number with its own phrase. twine prints nothing of a refusal but this phrase unless it is told to be verbose, so
# whoever uploads reads "400 Bad Request".
. "$(dirname "$0")/lib/setup.bash" granian==2.8.9

python - >"$folder/seen" <<'PYTHON'
from granian_site import answer_of

APPLICATION = """
def app(environ, start_response):
    start_response("400 Description is broken", [("Content-Type", "text/plain")])
    return [b"x"]
"""
print(answer_of(APPLICATION))
PYTHON

diff "$folder/seen" - <<'EXPECTED'
(400, 'Bad Request', b'x')
EXPECTED
