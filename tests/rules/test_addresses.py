import pytest

from webapp.rules.addresses import is_within, network_in, network_of


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("::ffff:c000:201", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::1", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("unknown", "unknown"),
        ("", ""),
    ],
)
def test_address_counts_as_itself_or_as_its_network(address: str, network: str) -> None:
    assert network_of(address) == network


@pytest.mark.parametrize(
    ("text", "network"),
    [
        ("192.0.2.7", "192.0.2.7/32"),
        ("192.0.2.7/24", "192.0.2.0/24"),
        ("2001:db8::1/32", "2001:db8::/32"),
        ("::ffff:192.0.2.7", "192.0.2.7/32"),
        ("::ffff:192.0.2.0/120", "192.0.2.0/24"),
        ("::ffff:0:0/96", "0.0.0.0/0"),
        ("::/0", "::/0"),
        ("192.0.2.7/33", None),
        ("everywhere", None),
    ],
)
def test_range_is_written_in_its_usual_form(text: str, network: str | None) -> None:
    assert network_in(text) == network


@pytest.mark.parametrize("address", ["192.0.2.7", "::ffff:192.0.2.7"])
@pytest.mark.parametrize("network", ["192.0.2.0/24", "::ffff:192.0.2.0/120", "::ffff:192.0.2.7"])
def test_ipv4_is_the_same_in_both_spellings(address: str, network: str) -> None:
    assert is_within(address, ["2001:db8::/32", network])
    assert not is_within("198.51.100.7", [network])
