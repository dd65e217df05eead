"""Servers of a Kafka cluster in the clients' notation: ``host:port,…``."""

from shared.destinations.hosts import IPV6, PORT

MOST_SERVERS = 10
_SERVER = rf"([A-Za-z0-9_]([A-Za-z0-9._-]{{0,251}}[A-Za-z0-9_])?|{IPV6}):{PORT}"
SERVERS = rf"^{_SERVER}(,{_SERVER}){{0,{MOST_SERVERS - 1}}}$"


def addresses_of(servers: str) -> list[tuple[str, int]]:
    """Return the hosts and ports of a text that matches SERVERS; IPv6 addresses without brackets."""
    pairs = (server.rpartition(":") for server in servers.split(","))
    return [(host.strip("[]"), int(port)) for host, _, port in pairs]
