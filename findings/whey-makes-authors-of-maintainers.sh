#!/usr/bin/env bash
# whey 0.1.1 makes authors of maintainers with an address, drops other authors' names, and changes commas in URLs.
#
# By the specification of pyproject.toml a maintainer with an address goes to Maintainer-email, and one with only a name
# to Maintainer; likewise authors, whoever else there is. whey writes the first to Author-email, and beside an author
# with an address it writes none without. By RFC 3986 "," and "%2C" in a URL are not equivalent, and the core metadata
# have only the label before the URL end at a comma. whey promises to support PEP 621.
. "$(dirname "$0")/lib/setup.bash" \
    whey==0.1.1 pyproject-parser==0.14.0 dist-meta==0.9.0 packaging==26.4 hatchling==1.33.0

python - >"$folder/seen" <<'PYTHON'
from backends import fields

GUILD = '{name = "Guild of Potters"}'
POTTER = '{name = "A. Potter", email = "potter@example.com"}'
TABLES = [
    f"authors = [{GUILD}]",
    f"authors = [{POTTER}, {GUILD}]",
    f"maintainers = [{GUILD}]",
    f"maintainers = [{POTTER}, {GUILD}]",
    'urls = {Map = "https://example.com/?at=48.1,11.6"}',
]
for table in TABLES:
    print(table)
    for backend in ("hatchling.build", "whey"):
        print(" ", backend, fields(backend, table, "Author", "Maintainer", "Project-URL"))
PYTHON

diff "$folder/seen" - <<'EXPECTED'
authors = [{name = "Guild of Potters"}]
  hatchling.build ['Author: Guild of Potters']
  whey ['Author: Guild of Potters']
authors = [{name = "A. Potter", email = "potter@example.com"}, {name = "Guild of Potters"}]
  hatchling.build ['Author: Guild of Potters', 'Author-email: "A. Potter" <potter@example.com>']
  whey ['Author-email: "A. Potter" <potter@example.com>']
maintainers = [{name = "Guild of Potters"}]
  hatchling.build ['Maintainer: Guild of Potters']
  whey ['Maintainer: Guild of Potters']
maintainers = [{name = "A. Potter", email = "potter@example.com"}, {name = "Guild of Potters"}]
  hatchling.build ['Maintainer: Guild of Potters', 'Maintainer-email: "A. Potter" <potter@example.com>']
  whey ['Author-email: "A. Potter" <potter@example.com>', 'Maintainer: Guild of Potters']
urls = {Map = "https://example.com/?at=48.1,11.6"}
  hatchling.build ['Project-URL: Map, https://example.com/?at=48.1,11.6']
  whey ['Project-URL: Map, https://example.com/?at=48.1%2C11.6']
EXPECTED
