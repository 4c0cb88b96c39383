"""Publishing sessions with files, and what is seen of them."""

from datetime import timedelta
from typing import Any

from flask.testing import FlaskClient

from tests.publishing.staging import add, opened, said
from tests.publishing.uploads import sdist, sdist_name, wheel, wheel_name
from webapp.documents import PublishingSession, StoredFile
from webapp.documents.base import utc_now

FILES = {wheel_name(): wheel(), sdist_name(): sdist()}
BETTER = wheel(extra={"better.py": "x = 1"})


def age() -> None:
    """Let a minute pass for every claim and every session that is being published."""
    past = {"$set": {"alive_at": utc_now() - timedelta(seconds=61)}}
    for each in (StoredFile, PublishingSession):
        each.objects.raw().update_many({"alive_at": {"$exists": True}}, past)


def filled(client: FlaskClient, secret: str) -> dict[str, Any]:
    """A session with a wheel and an sdist."""
    session = opened(client, secret)
    for filename, content in FILES.items():
        assert add(client, secret, session, content, filename).status_code == 200
    return session


def seen(client: FlaskClient) -> set[str]:
    """The files that everybody can get, whole."""
    page = client.get("/simple/larder-probe/", headers={"Accept": "application/vnd.pypi.simple.v1+json"})
    files = said(page)["files"] if page.status_code == 200 else []
    for each in files:
        assert client.get(each["url"]).data == FILES[each["filename"]]
    return {each["filename"] for each in files}
