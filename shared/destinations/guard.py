"""Protects internal systems from requests of destinations (server-side request forgery).

The guard resolves the host name once, checks all its addresses, and connects to a checked address. A second
lookup could return a different address. TLS and the Host header still use the name.

Any port is allowed. The guard allows only https and refuses private addresses, so a server without TLS sees a
handshake and never a byte of a request.
"""

import re
import socket
import time
from collections.abc import Callable, Sequence

from urllib3.exceptions import LocationParseError
from urllib3.util import Url, parse_url
from urllib3.util.connection import create_connection

from shared.destinations.addresses import is_public
from shared.domain.errors import DestinationRefused, Unavailable

_AUTHORITY_END = re.compile(r"[/?#]")

Resolve = Callable[[str, int], Sequence[str]]
Connect = Callable[[str, int, float], socket.socket]


def system_resolve(host: str, port: int) -> Sequence[str]:
    """Return the host's addresses in the order to try them; ``socket.gaierror`` if there are none."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(entry[4][0]) for entry in found]


def system_connect(address: str, port: int, timeout: float) -> socket.socket:
    """Open a TCP connection to an address. It is not a name, so no lookup happens."""
    no_delay = (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return create_connection((address, port), timeout, socket_options=[no_delay])


class Guard:
    """``insecure`` is the switch for a local stack: it allows plain http and private addresses."""

    def __init__(self, resolve: Resolve, connect: Connect, *, insecure: bool) -> None:
        self._resolve = resolve
        self._connect = connect
        self._schemes = {"http", "https"} if insecure else {"https"}
        self._insecure = insecure

    def require_url(self, text: str, what: str = "webhook's url") -> Url:
        """Parse the URL. Raises DestinationRefused, which calls it ``what``, if the URL is not allowed."""
        try:
            url = parse_url(text)
        except LocationParseError as error:
            raise DestinationRefused(f"The {what} is not a valid URL") from error
        if url.scheme not in self._schemes:
            raise DestinationRefused(f"The {what} must be an https URL")
        # The parser drops an empty user. Another parser might take the text after it for the host.
        if url.auth is not None or "@" in _AUTHORITY_END.split(text.partition("://")[2])[0]:
            raise DestinationRefused(f"The {what} must not contain user information")
        # A zone would bind the address to one of our own interfaces.
        if not url.host or "%" in url.host or url.port == 0:
            raise DestinationRefused(f"The {what} needs a host and a port above 0")
        return url

    def dial(self, host: str, port: int, timeout: float, what: str = "webhook's host") -> socket.socket:
        """Connect to one of the host's addresses, all of which must be public. Errors call it ``what``.

        ``timeout`` in seconds covers all addresses together. Raises OSError if none answers.
        """
        until = time.monotonic() + timeout
        unanswered: OSError = TimeoutError("no time left to connect")
        for address in self.addresses(host.strip("[]"), port, what):
            if (seconds := until - time.monotonic()) <= 0:
                break
            try:
                return self._connect(address, port, seconds)
            except OSError as error:
                unanswered = error
        raise unanswered

    def addresses(self, host: str, port: int, what: str) -> Sequence[str]:
        """Return the host's addresses; DestinationRefused, which calls it ``what``, unless all are public."""
        try:
            addresses = self._resolve(host, port)
        except UnicodeError as error:
            raise DestinationRefused(f"The name of the {what} is not valid") from error
        except OSError as error:
            raise Unavailable(f"the name of the {what}", detail=f"{host}: {error}") from error
        if not self._insecure and not all(is_public(address) for address in addresses):
            raise DestinationRefused(
                f"The {what} does not have a public address", detail=f"{host}: {', '.join(addresses)}"
            )
        return addresses
