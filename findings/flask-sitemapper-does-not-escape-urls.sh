#!/usr/bin/env bash
# flask-sitemapper 1.8.2 writes a sitemap that is not XML as soon as one URL has an & in it.
#
# The sitemap protocol has all data values escaped, and names the & of a URL first. A URL's path may hold one as it is,
# so url_for() leaves it there, and the library hands it to its template as safe: a crawler can read none of the site's
# URLs. Of an aware datetime it leaves out the time zone, without which lastmod is no W3C Datetime, and a priority of 0
# it leaves out altogether, which the protocol takes for 0.5.
. "$(dirname "$0")/lib/setup.bash" flask-sitemapper==1.8.2 Flask==3.1.3

python - >"$folder/seen" <<'PYTHON'
import datetime
import xml.etree.ElementTree

import flask
from flask_sitemapper import Sitemapper

EAST = datetime.timezone(datetime.timedelta(hours=10))


def sitemap(**given):
    app = flask.Flask(__name__)
    app.add_url_rule("/tagged/<tag>", "tagged", lambda tag: "")
    sitemapper = Sitemapper(app)
    sitemapper.add_endpoint("tagged", **given)
    with app.test_request_context("https://index.example/"):
        return sitemapper.generate().get_data(as_text=True)


for tag, given in (
    ("salt", {"lastmod": datetime.datetime(2026, 1, 2, 3, tzinfo=EAST), "priority": 0.1}),
    ("salt", {"priority": 0}),
    ("salt&pepper", {}),
):
    text = sitemap(url_variables={"tag": [tag]}, **given)
    try:
        print({element.tag.partition("}")[2]: element.text for element in xml.etree.ElementTree.fromstring(text)[0]})
    except xml.etree.ElementTree.ParseError as error:
        print(text.split("<loc>")[1].split("</loc>")[0], error)
PYTHON

diff "$folder/seen" - <<'EXPECTED'
{'loc': 'https://index.example/tagged/salt', 'lastmod': '2026-01-02T03:00:00', 'priority': '0.1'}
{'loc': 'https://index.example/tagged/salt'}
https://index.example/tagged/salt&pepper not well-formed (invalid token): line 4, column 49
EXPECTED
