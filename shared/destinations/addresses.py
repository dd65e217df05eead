"""The IP addresses that a receiver on the public internet can have.

Python's own ``is_global`` counts multicast, 6to4 and NAT64 as global and differs between patch releases.
Therefore this module lists the refused networks itself, from IANA's registries of special-purpose addresses.
"""

from ipaddress import IPv4Network, IPv6Network, ip_address

_REFUSED_V4 = tuple(
    IPv4Network(network)
    for network in (
        "0.0.0.0/8",  # this network
        "10.0.0.0/8",  # private
        "100.64.0.0/10",  # carrier-grade NAT
        "127.0.0.0/8",  # loopback
        "169.254.0.0/16",  # link-local, the range of clouds' metadata servers
        "172.16.0.0/12",  # private
        "192.0.0.0/24",  # protocol assignments
        "192.0.2.0/24",  # documentation
        "192.31.196.0/24",  # AS112
        "192.52.193.0/24",  # multicast tunnels
        "192.88.99.0/24",  # 6to4 relays
        "192.168.0.0/16",  # private
        "192.175.48.0/24",  # AS112
        "198.18.0.0/15",  # benchmarks
        "198.51.100.0/24",  # documentation
        "199.36.152.0/21",  # Google's APIs as seen from inside a VPC
        "203.0.113.0/24",  # documentation
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, and broadcast
    )
)
# This range excludes loopback, unspecified, IPv4-mapped and -compatible, NAT64, unique local, link-local,
# site-local and multicast addresses. NAT64 addresses are refused whatever they embed.
_UNICAST_V6 = IPv6Network("2000::/3")
_REFUSED_V6 = tuple(
    IPv6Network(network)
    for network in (
        "2001::/23",  # protocol assignments: Teredo, ORCHID, benchmarks
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4, which embeds an IPv4 address
        "2620:4f:8000::/48",  # AS112
        "3fff::/20",  # documentation
    )
)


def is_public(address: str) -> bool:
    """Return whether the address, in a resolver's notation, is an ordinary public internet address."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return False
    if parsed.version == 4:  # noqa: PLR2004 - the version of the protocol, not a quantity
        return not any(parsed in network for network in _REFUSED_V4)
    return parsed in _UNICAST_V6 and not any(parsed in network for network in _REFUSED_V6)
