"""The page of results, as its tests read it."""

from bs4 import BeautifulSoup
from flask.testing import FlaskClient

from tests.reading import read


def search(client: FlaskClient, query: str, status: int = 200) -> BeautifulSoup:
    return read(client, f"/search/?{query}", status)
