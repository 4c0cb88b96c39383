"""A file that is kept here."""

from tests import factories
from tests.publishing import uploads
from tests.publishing.uploads import sha256
from webapp.documents.contents import CHUNK_BYTES
from webapp.documents.release import own_url

NAME = "example-1.0-py3-none-any.whl"
CONTENT = bytes(range(256)) * (CHUNK_BYTES // 100)  # two chunks and a half


def kept(**fields: object) -> str:
    """The address of a file that is kept here."""
    factories.stored_file(NAME, CONTENT, **fields)
    return own_url(sha256(CONTENT), NAME)


WHEEL = uploads.wheel()
