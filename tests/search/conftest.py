"""Projects for the tests of searches."""

from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests import factories
from tests.beginnings import begin
from webapp.documents.base import utc_now


@pytest.fixture
def shelf(app: Flask, client: FlaskClient) -> FlaskClient:
    """Four projects to filter."""
    begin(app, "shelf", fill_shelf)
    return client


def fill_shelf() -> None:
    """Store the four projects."""
    old, new = utc_now() - timedelta(days=1000), utc_now() - timedelta(days=10)
    django, python = "Framework :: Django :: 4.0", "Programming Language :: Python :: 3.12"
    made = [
        ("bread-a", "MIT", [django, python], old, 1),
        ("bread-b", "MIT", [python], new, 2),
        ("bread-c", "ISC", [django], new - timedelta(days=1), 3),
        ("cake", "MIT", [django], new, 4),
    ]
    for name, license_id, classifiers, date, first in made:
        factories.package(
            name,
            license=license_id,
            classifiers=classifiers,
            releases=[
                factories.release("0.1", created_date=old - timedelta(days=first)),
                factories.release("1.0", created_date=date),
            ],
        )
