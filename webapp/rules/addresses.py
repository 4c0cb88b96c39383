"""IP addresses: what is one, and which count together."""

import ipaddress

# Where IPv4 addresses are written as IPv6. Source: RFC 4291, section 2.5.5.2.
_MAPPED = ipaddress.IPv6Network("::ffff:0:0/96")


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


def is_ip_address(host: str) -> bool:
    """Tell whether a host is an address and not a name."""
    try:
        ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return False
    return True


def network_in(text: str) -> str | None:
    """Return an address or a range of addresses in its usual form, or None: "192.0.2.7" -> "192.0.2.7/32".

    A range of IPv4 addresses written as IPv6 becomes one of IPv4: "::ffff:192.0.2.0/120" -> "192.0.2.0/24".
    """
    try:
        network = ipaddress.ip_network(text, strict=False)
    except ValueError:
        return None
    if isinstance(network, ipaddress.IPv6Network) and network.subnet_of(_MAPPED):
        mapped = int(network.network_address) & 0xFFFFFFFF
        return str(ipaddress.IPv4Network((mapped, network.prefixlen - _MAPPED.prefixlen)))
    return str(network)


def is_within(address: str | None, networks: list[str]) -> bool:
    """Tell whether an address lies in one of these ranges. An IPv4 address written as IPv6 counts as IPv4."""
    try:
        parsed = ipaddress.ip_address((address or "").partition("%")[0])
    except ValueError:
        return False
    if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped:
        parsed = parsed.ipv4_mapped
    return any(parsed in ipaddress.ip_network(each) for each in map(network_in, networks) if each)
