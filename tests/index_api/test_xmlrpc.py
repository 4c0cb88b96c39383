"""PyPI's retired XML-RPC API leads to what takes its place."""

from xmlrpc.client import Fault, dumps, loads

import pytest
from flask.testing import FlaskClient


@pytest.mark.parametrize("path", ["/pypi", "/pypi/", "/RPC2"])
def test_xml_rpc_names_the_way_on(client: FlaskClient, path: str) -> None:
    answer = client.post(path, data=dumps(("flask",), "search"), content_type="text/xml")

    with pytest.raises(Fault, match=r"/search/.*/simple/"):
        loads(answer.data)
    assert answer.content_type.startswith("text/xml")
