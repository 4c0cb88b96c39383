"""docs/publishing.md has the tables that `make test-clients` prints when all goes well."""

from pathlib import Path

from tests.clients.tables import EXPECTED, of_words

PUBLISHING = Path(__file__).resolve().parents[2] / "docs" / "publishing.md"


def test_tables_of_the_documentation_are_those_of_the_clients() -> None:
    documented = PUBLISHING.read_text()

    missing = [table for table in of_words(EXPECTED).split("\n\n") if table not in documented]
    assert not missing, "docs/publishing.md lacks:\n\n" + "\n\n".join(missing)
