import pytest

from webapp.cli.serve import loopback_url


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("127.0.0.1", "http://127.0.0.1:5006"),
        ("127.8.8.8", "http://127.8.8.8:5006"),
        ("::1", "http://[::1]:5006"),
        ("localhost", "http://localhost:5006"),
        ("0.0.0.0", ""),
        ("::", ""),
        ("192.0.2.7", ""),
        ("packages.example.org", ""),
    ],
)
def test_site_knows_its_own_address_only_where_this_machine_alone_reaches_it(host: str, address: str) -> None:
    assert loopback_url(host, 5006) == address
