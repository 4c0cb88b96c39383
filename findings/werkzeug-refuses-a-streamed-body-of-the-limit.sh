#!/usr/bin/env bash
# Where the server marks the end of a body, as granian does, Werkzeug 3.1.9 answers 413 to one of exactly
# `max_content_length` bytes that is read in parts, but not if it is read at once; and of a longer one, `get_data` returns
# the first bytes as if these were all.
#
# Its documentation says of the limit: "Stop reading data after this many bytes and raise RequestEntityTooLarge." Where
# Content-Length ends the body, all of this is as one expects.
. "$(dirname "$0")/lib/setup.bash" werkzeug==3.1.9

python - >"$folder/seen" <<'PYTHON'
from io import BytesIO

from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.test import EnvironBuilder
from werkzeug.wrappers import Request


def request(size, is_chunked):
    environ = EnvironBuilder(method="PUT", input_stream=BytesIO(b"x" * size)).get_environ()
    environ.pop("CONTENT_LENGTH", None)
    if is_chunked:
        environ["wsgi.input_terminated"] = True
    else:
        environ["CONTENT_LENGTH"] = str(size)
    made = Request(environ)
    made.max_content_length = 10
    return made


def in_parts(made):
    size = 0
    while part := made.stream.read(4):
        size += len(part)
    return size


for is_chunked in (False, True):
    for size in (9, 10, 12):
        for read in (in_parts, lambda made: len(made.get_data())):
            try:
                said = read(request(size, is_chunked))
            except RequestEntityTooLarge as error:
                said = error.code
            print("chunked" if is_chunked else "length", size, "parts" if read is in_parts else "whole", said)
PYTHON

diff "$folder/seen" - <<'EXPECTED'
length 9 parts 9
length 9 whole 9
length 10 parts 10
length 10 whole 10
length 12 parts 413
length 12 whole 413
chunked 9 parts 9
chunked 9 whole 9
chunked 10 parts 413
chunked 10 whole 10
chunked 12 parts 413
chunked 12 whole 10
EXPECTED
