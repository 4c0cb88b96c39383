"""What counts as one address: pure functions."""

import ipaddress


def network_of(address: str) -> str:
    """Return what counts as one address: IPv4 addresses themselves, of IPv6 the /64 that a provider gives a customer.

    A socket that takes both kinds names an IPv4 client "::ffff:192.0.2.1" (RFC 4291, section 2.5.5.2); it counts as
    192.0.2.1. Without that, all of IPv4 would be one /64. What is not an address is returned as it is.
    """
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv4Address):
        return str(parsed)
    if parsed.ipv4_mapped:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.ip_network(f"{parsed}/64", strict=False))
