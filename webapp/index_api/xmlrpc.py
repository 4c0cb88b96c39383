"""`POST /pypi` and `/RPC2`: PyPI's retired XML-RPC API, answered with what to use instead."""

from xmlrpc.client import Fault, dumps  # nosec B411 - it writes a fault, and parses nothing

from flask import Response

from webapp.index_api.blueprint import bp
from webapp.serving.extensions import csrf
from webapp.serving.filters import absolute_url

# The XML-RPC fault for unknown methods ("Specification for Fault Code Interoperability").
METHOD_NOT_FOUND = -32601


@bp.post("/pypi", strict_slashes=False)
@bp.post("/RPC2", strict_slashes=False)
def xmlrpc() -> Response:
    """Return a fault that names the search page and the Simple API. The body is not read, so no XML can do harm."""
    search, simple = absolute_url("search.search"), absolute_url("index_api.simple_index")
    message = f"This index has no XML-RPC API. To search, open {search}. To list projects and files, use {simple}."
    return Response(dumps(Fault(METHOD_NOT_FOUND, message)), mimetype="text/xml")


csrf.exempt(xmlrpc)
