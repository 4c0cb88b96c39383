"""Which IP addresses count as one."""

import ipaddress


def network_of(address: str) -> str:
    """Return the network by which an address is counted: an IPv4 address itself, or the /64 of an IPv6 address.

    Providers give customers a /64. A dual-stack socket reports an IPv4 client as "::ffff:192.0.2.1" (RFC 4291, section
    2.5.5.2), which counts as 192.0.2.1; otherwise all of IPv4 would be one /64. Anything that is not an address is
    returned unchanged.
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
