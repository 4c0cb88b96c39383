#!/usr/bin/env bash
# Werkzeug 3.1.9 writes the realm of a Basic challenge without quotes where it can, which clients need not understand.
#
# RFC 9110 (section 11.5): "a sender MUST only generate the quoted-string syntax" for the realm. For Digest Werkzeug adds
# the quotes. urllib of the standard library warns of each such answer, and with warnings as errors fails.
. "$(dirname "$0")/lib/setup.bash" werkzeug==3.1.9

python - >"$folder/seen" <<'PYTHON'
import threading
import urllib.error
import urllib.request
import warnings

from werkzeug.datastructures import WWWAuthenticate
from werkzeug.exceptions import Unauthorized
from werkzeug.serving import WSGIRequestHandler, make_server


class Quiet(WSGIRequestHandler):
    def log_request(self, *_):
        pass


challenge = WWWAuthenticate("basic", {"realm": "kiln"})
server = make_server("127.0.0.1", 0, Unauthorized(www_authenticate=challenge), request_handler=Quiet)
threading.Thread(target=server.serve_forever, daemon=True).start()
handler = urllib.request.HTTPBasicAuthHandler()
opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), handler)
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    try:
        opener.open(f"http://127.0.0.1:{server.port}/")
    except urllib.error.HTTPError as error:
        print(error.code, error.headers["WWW-Authenticate"])
print(*(each.message for each in caught))
print(WWWAuthenticate("digest", {"realm": "kiln"}).to_header())
PYTHON

diff "$folder/seen" - <<'EXPECTED'
401 Basic realm=kiln
Basic Auth Realm was unquoted
Digest realm="kiln"
EXPECTED
