"""HTTP connections to receivers: kept alive, checked when they connect, closed when their time is up."""

import socket
import ssl
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, PoolManager, Timeout
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import ConnectTimeoutError, HTTPError, NewConnectionError, SSLError
from urllib3.response import BaseHTTPResponse, HTTPResponse

from shared.destinations.alarms import Alarms
from shared.destinations.guard import Guard
from shared.destinations.webhook.interim import FinalAnswer
from shared.domain.errors import Unavailable

_EXCERPT = 4_096  # bytes read of a response; a connection with a longer response is not reused
_HOSTS = 32
_CONNECTIONS = 16  # per host: as many requests as a destination may have in flight


class Untrusted(Unavailable):
    """The receiver's TLS certificate is not accepted. Its owner may still repair it."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A receiver's response; ``excerpt`` is the beginning of its body."""

    status: int
    headers: Mapping[str, str]
    excerpt: bytes


class _Guarded(HTTPConnection):
    """Connects through the guard.

    A socket's timeout restarts with every byte, so a slow receiver could hold a delivery for days. Therefore
    an alarm limits each request as a whole.
    """

    response_class = FinalAnswer

    def __init__(self, *args: Any, guard: Guard, what: str, alarms: Alarms, **options: Any) -> None:
        super().__init__(*args, **options)
        self._guard = guard
        self._what = what
        self._alarms = alarms
        self._under_way = False
        self._late = False

    def _new_conn(self) -> socket.socket:
        timeout = float(self.timeout or 0)
        try:
            return self._guard.dial(self._dns_host, self.port, timeout, f"{self._what}'s host")
        except TimeoutError as error:
            raise ConnectTimeoutError(self, f"no connection within {timeout:.1f} s") from error
        except OSError as error:
            raise NewConnectionError(self, str(error)) from error

    def connect(self) -> None:
        self._begin_request()
        super().connect()
        if self._late:
            # The alarm has already rung, so nothing would end a request on this late connection.
            raise ConnectTimeoutError(self, "the connection was not made in time")

    def request(self, *args: Any, **options: Any) -> None:
        self._begin_request()
        super().request(*args, **options)

    def getresponse(self) -> HTTPResponse:  # type: ignore[override] # as in urllib3 itself
        response = super().getresponse()
        if self._late:
            # http.client accepts a truncated head as complete.
            response.close()
            raise TimeoutError("the response's head did not arrive in time")
        return response

    def _begin_request(self) -> None:
        if not self._under_way:
            self._late, self._under_way = False, True
            self._alarms.set(self, float(self.timeout or 0), self._cut)

    def end_request(self) -> None:
        if self._under_way:
            self._alarms.cancel(self)
            self._under_way = False

    def close(self) -> None:
        self.end_request()
        super().close()

    def _cut(self) -> None:
        self._late = True
        # If it is not connected yet, or just closed, connecting or closing ends the request.
        with suppress(OSError, TypeError):
            # SSLSocket's own shutdown would make the reading thread continue without TLS.
            socket.socket.shutdown(self.sock, socket.SHUT_RDWR)


class _GuardedTls(_Guarded, HTTPSConnection):
    """The same with TLS, verified against the name in the URL."""


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Guarded

    def _put_conn(self, conn: Any) -> None:
        if isinstance(conn, _Guarded):
            conn.end_request()
        super()._put_conn(conn)


class _TlsPool(_Pool, HTTPSConnectionPool):
    ConnectionCls = _GuardedTls


class Connections:
    """Connection pools for many threads, without proxies, cookies, redirects and retries."""

    def __init__(
        self,
        guard: Guard,
        *,
        user_agent: str,
        tls: ssl.SSLContext,
        what: str = "webhook",
        receiver: str = "the receiver",
    ) -> None:
        """``what``: errors about the url and the host call them this. ``receiver``: who does not answer."""
        self._guard = guard
        self._user_agent = user_agent
        self._what = what
        self._receiver = receiver
        self._pools = _Pools(guard, what, num_pools=_HOSTS, maxsize=_CONNECTIONS, ssl_context=tls)

    def post(
        self, url: str, body: bytes, headers: Mapping[str, str], seconds: float, *, most: int = _EXCERPT
    ) -> Answer:
        """Send the body. Return at most ``most`` bytes of the receiver's response, within ``seconds``.

        Raises DestinationRefused if the guard forbids it, and Unavailable if there is no response.
        """
        return self._exchange("POST", url, body, headers, seconds=seconds, most=most)

    def get(self, url: str, headers: Mapping[str, str], seconds: float, *, most: int = _EXCERPT) -> Answer:
        """Send a request without a body. Return and raise as ``post`` does."""
        return self._exchange("GET", url, None, headers, seconds=seconds, most=most)

    def _exchange(
        self,
        method: str,
        url: str,
        body: bytes | None,
        headers: Mapping[str, str],
        *,
        seconds: float,
        most: int,
    ) -> Answer:
        target = self._guard.require_url(url, f"{self._what}'s url")
        try:
            response = self._pools.urlopen(
                method,
                target.url,
                body=body,
                headers={**headers, "User-Agent": self._user_agent},
                redirect=False,
                retries=False,
                timeout=Timeout(total=seconds),
                preload_content=False,
                decode_content=False,
            )
        except SSLError as error:
            raise Untrusted(f"a trusted TLS connection to {self._receiver}", detail=str(error)) from error
        except HTTPError as error:
            raise Unavailable(self._receiver, detail=f"{type(error).__name__}: {error}") from error
        return Answer(response.status, response.headers, _read_excerpt(response, most))

    def close(self) -> None:
        self._pools.clear()


class _Pools(PoolManager):
    def __init__(self, guard: Guard, what: str, **options: Any) -> None:
        super().__init__(**options)
        self._guard = guard
        self._what = what
        self._alarms = Alarms()
        self.pool_classes_by_scheme = {"http": _Pool, "https": _TlsPool}

    def _new_pool(self, *args: Any, **options: Any) -> HTTPConnectionPool:
        pool = super()._new_pool(*args, **options)
        pool.conn_kw |= {"guard": self._guard, "what": self._what, "alarms": self._alarms}
        return pool


def _read_excerpt(response: BaseHTTPResponse, most: int) -> bytes:
    """Read the body. A short one returns the connection to its pool; a longer one closes the connection."""
    try:
        return response.read(most)
    except (HTTPError, OSError):
        # The status has arrived, and only the status matters.
        return b""
    finally:
        response.close()
