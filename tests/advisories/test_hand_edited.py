"""Advisories that somebody edited by hand break no page and no answer."""

from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests import factories
from tests.test_hand_edited import FEW, ODD, edited, keep
from webapp.documents import Advisory

FIELDS = [*Advisory._fields_ordered, "affects.0", "affects.0.ranges.0", "aliases.0", "record.affected.0"]
FIELDS += [f"affects.0.{name}" for name in ("package", "ranges", "versions", "fixed_in")]
FIELDS += [f"affects.0.ranges.0.{name}" for name in ("start", "end", "introduced", "fixed")]
FIELDS += [f"record.{name}" for name in ("id", "modified", "summary", "details", "references", "affected", "aliases")]
FIELDS += [f"record.affected.0.{name}" for name in ("package", "package.name", "ranges", "ranges.0.events", "versions")]
FIELDS.remove("id")
PAGES = [
    "/advisories/",
    "/advisories/?q=example",
    "/project/example/",
    "/project/example/1.0/",
    "/project/user/advisories/",
    "/projects/",
    "/search/?q=example",
    "/pypi/example/json",
    "/pypi/example/1.0/json",
    "/rss/advisories.xml",
    "/rss/project/user/advisories.xml",
]
QUERY: dict[str, Any] = {"package": {"name": "example", "ecosystem": "PyPI"}}


@pytest.mark.real_server
@pytest.mark.parametrize("field", FIELDS)
def test_odd_field_of_an_advisory_breaks_nothing(app: Flask, client: FlaskClient, field: str) -> None:
    factories.package("Example")
    factories.package("User", requires_dist=["example"])
    factories.advisory("PYSEC-1", aliases=["CVE-1"], references=[{"type": "WEB", "url": "https://example.org"}])
    whole = Advisory.objects.raw().find_one({"_id": "PYSEC-1"}) or {}
    odd = [edited(whole, field, ODD[name]) | {"_id": f"PYSEC-{name}"} for name in FEW]
    keys = keep(Advisory, odd)

    addresses = [*PAGES, *(f"/advisories/{key}/" for key in keys), *(f"/osv/v1/vulns/{key}" for key in keys)]
    statuses = {address: client.get(address).status_code for address in addresses}
    asked = [client.post("/osv/v1/query", json=QUERY | version) for version in ({}, {"version": "1.0"})]
    asked += [client.post("/osv/v1/querybatch", json={"queries": [QUERY, QUERY | {"version": "1.0"}]})]

    assert {address: status for address, status in statuses.items() if status != 200} == {}
    assert [answer.status_code for answer in asked] == [200, 200, 200]
