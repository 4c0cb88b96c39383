"""Feeds of advisories."""

from datetime import timedelta
from xml.etree import ElementTree as ET

from flask.testing import FlaskClient

from tests import factories
from webapp.documents import UpstreamProject


def items(client: FlaskClient, address: str) -> list[tuple[str, str]]:
    """The title and the description of each item."""
    response = client.get(address)
    assert response.status_code == 200
    assert response.content_type == "application/rss+xml; charset=utf-8"
    tree = ET.fromstring(response.get_data())
    return [(each.findtext("title", ""), each.findtext("description", "")) for each in tree.iter("item")]


def test_feed_tells_of_advisories_about_what_is_here_required_or_fetched(client: FlaskClient) -> None:
    factories.package("Example", requires_dist=["wanted"])
    factories.package("Other", requires_dist=["wanted", "example"])
    UpstreamProject(id="fetched").save()
    UpstreamProject(id="absent", is_absent=True).save()
    for number, name in enumerate(("example", "wanted", "fetched", "absent", "unknown")):
        factories.advisory(f"PYSEC-{number}", name, imported_at=factories.A_DAY - timedelta(days=number))
    factories.advisory(
        "GHSA-9", "wanted", imported_at=factories.A_DAY + timedelta(days=1), withdrawn="2026-11-02T00:00:00Z"
    )

    assert items(client, "/rss/advisories.xml") == [
        (
            "GHSA-9 was withdrawn (unknown): wanted",
            "What is wrong with wanted About wanted, which 2 projects require here.",
        ),
        ("PYSEC-0 (unknown): example", "What is wrong with example About example."),
        ("PYSEC-1 (unknown): wanted", "What is wrong with wanted About wanted, which 2 projects require here."),
        (
            "PYSEC-2 (unknown): fetched",
            "What is wrong with fetched About fetched, which was fetched through this site.",
        ),
    ]


def test_feed_of_a_project_has_its_advisories_and_those_of_what_it_requires(client: FlaskClient) -> None:
    factories.package("Inner", requires_dist=["innermost"])
    factories.package("Example", requires_dist=["inner"])
    factories.advisory("PYSEC-1", "example")
    factories.advisory("PYSEC-2", "innermost", imported_at=factories.A_DAY + timedelta(days=1))
    factories.advisory("PYSEC-3", "other")

    found = items(client, "/rss/project/example/advisories.xml")

    assert [title for title, _ in found] == ["PYSEC-2 (unknown): innermost", "PYSEC-1 (unknown): example"]
    assert found[0][1].endswith("About innermost, which inner requires.")
    assert client.get("/rss/project/nothing/advisories.xml").status_code == 404


def test_item_of_a_changed_advisory_has_another_address(client: FlaskClient) -> None:
    factories.package("Example")
    factories.advisory("PYSEC-1", "example")

    assert "/advisories/PYSEC-1/#2024-03-01T12:00</guid>" in client.get("/rss/advisories.xml").text
