#!/usr/bin/env bash
# feedgen 1.0.0: the <link> of an RSS feed is the feed's own address, if that is given last.
#
# In RSS it is "the URL to the HTML website corresponding to the channel". feedgen takes the link that was added last,
# whatever its rel, though a comment in its code says the first one; entries take the last one with rel="alternate". In
# the order of its own example, alternate and then self, a click on the feed's title in a reader opens XML.
. "$(dirname "$0")/lib/setup.bash" feedgen==1.0.0

python - >"$folder/seen" <<'PYTHON'
import xml.etree.ElementTree

from feedgen.feed import FeedGenerator

home = {"href": "https://index.example/", "rel": "alternate"}
itself = {"href": "https://index.example/rss.xml", "rel": "self"}
for links in [home, itself], [itself, home]:
    feed = FeedGenerator()
    feed.title("New packages")
    feed.description("The newest packages")
    for link in links:
        feed.link(link)
    channel = xml.etree.ElementTree.fromstring(feed.rss_str())
    print([link["rel"] for link in links], channel.findtext("channel/link"))
PYTHON

diff "$folder/seen" - <<'EXPECTED'
['alternate', 'self'] https://index.example/rss.xml
['self', 'alternate'] https://index.example/
EXPECTED
