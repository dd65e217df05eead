"""Servers of a Kafka cluster in the clients' notation: ``host:port,…``."""

MOST_SERVERS = 10
_HOST = r"([A-Za-z0-9_]([A-Za-z0-9._-]{0,251}[A-Za-z0-9_])?|\[[0-9A-Fa-f:.]{2,45}\])"
# 1 to 65535.
_PORT = r"([1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])"
SERVERS = rf"^{_HOST}:{_PORT}(,{_HOST}:{_PORT}){{0,{MOST_SERVERS - 1}}}$"


def addresses_of(servers: str) -> list[tuple[str, int]]:
    """Return the hosts and ports of a text that matches SERVERS; IPv6 addresses without brackets."""
    pairs = (server.rpartition(":") for server in servers.split(","))
    return [(host.strip("[]"), int(port)) for host, _, port in pairs]
