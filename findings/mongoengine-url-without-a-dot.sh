#!/usr/bin/env bash
# mongoengine 0.29.3: URLField refuses a host without a dot, and accepts a port of 99999.
#
# Inside a company, hosts such as http://wiki/ are usual; only `localhost` is let through. A port that no URL can have
# passes.
. "$(dirname "$0")/lib/setup.bash" mongoengine==0.29.3

python - >"$folder/seen" <<'PYTHON'
import mongoengine


class Link(mongoengine.EmbeddedDocument):
    url = mongoengine.URLField()


for url in ("http://wiki/larder", "http://localhost/larder", "http://wiki.example.org:99999/larder"):
    try:
        Link(url=url).validate()
        print(url, "accepted")
    except mongoengine.ValidationError:
        print(url, "refused")
PYTHON

diff "$folder/seen" - <<'EXPECTED'
http://wiki/larder refused
http://localhost/larder accepted
http://wiki.example.org:99999/larder accepted
EXPECTED
