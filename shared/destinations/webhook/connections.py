"""HTTP connections to receivers: kept alive, guarded where they are dialled, cut when their time is up."""

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

_EXCERPT = 4_096  # bytes of an answer that are read; a connection with more to say is not used again
_HOSTS = 32
_CONNECTIONS = 16  # to one host: as many requests as a destination may have under way


class Untrusted(Unavailable):
    """The receiver's TLS certificate is not accepted, which its owner may yet mend."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A receiver's answer; ``excerpt`` is the beginning of its body."""

    status: int
    headers: Mapping[str, str]
    excerpt: bytes


class _Guarded(HTTPConnection):
    """Dials through the guard.

    A socket's timeout starts anew with every byte, so a receiver that trickles could hold a delivery for
    days: an alarm ends each request as a whole.
    """

    response_class = FinalAnswer

    def __init__(self, *args: Any, guard: Guard, alarms: Alarms, **options: Any) -> None:
        super().__init__(*args, **options)
        self._guard = guard
        self._alarms = alarms
        self._under_way = False
        self._late = False

    def _new_conn(self) -> socket.socket:
        timeout = float(self.timeout or 0)
        try:
            return self._guard.dial(self._dns_host, self.port, timeout)
        except TimeoutError as error:
            raise ConnectTimeoutError(self, f"no connection within {timeout:.1f} s") from error
        except OSError as error:
            raise NewConnectionError(self, str(error)) from error

    def connect(self) -> None:
        self._begin_request()
        super().connect()
        if self._late:
            # Its alarm is spent: on a connection made too late, nothing would end the request in time.
            raise ConnectTimeoutError(self, "the connection was not made in time")

    def request(self, *args: Any, **options: Any) -> None:
        self._begin_request()
        super().request(*args, **options)

    def getresponse(self) -> HTTPResponse:  # type: ignore[override] # as in urllib3 itself
        response = super().getresponse()
        if self._late:
            # http.client takes a head that was cut off for a whole one.
            response.close()
            raise TimeoutError("the answer's head did not come in time")
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
        # Not connected yet, or closed just now: then dialling or closing ends the request.
        with suppress(OSError, TypeError):
            # SSLSocket's own shutdown would have the reading thread go on without TLS.
            socket.socket.shutdown(self.sock, socket.SHUT_RDWR)


class _GuardedTls(_Guarded, HTTPSConnection):
    """The same under TLS, verified against the name in the URL."""


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Guarded

    def _put_conn(self, conn: Any) -> None:
        if isinstance(conn, _Guarded):
            conn.end_request()
        super()._put_conn(conn)


class _TlsPool(_Pool, HTTPSConnectionPool):
    ConnectionCls = _GuardedTls


class Connections:
    """Pools of connections, for many threads; no proxy, no cookie, no redirect, no retry."""

    def __init__(self, guard: Guard, *, user_agent: str, tls: ssl.SSLContext) -> None:
        self._guard = guard
        self._user_agent = user_agent
        self._pools = _Pools(guard, num_pools=_HOSTS, maxsize=_CONNECTIONS, ssl_context=tls)

    def post(
        self, url: str, body: bytes, headers: Mapping[str, str], seconds: float, *, most: int = _EXCERPT
    ) -> Answer:
        """Send the body and answer what the receiver says within ``seconds``, ``most`` bytes of it.

        DestinationRefused where the guard forbids it, Unavailable for want of an answer.
        """
        target = self._guard.require_url(url)
        try:
            response = self._pools.urlopen(
                "POST",
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
            raise Untrusted("a trusted TLS connection to the receiver", detail=str(error)) from error
        except HTTPError as error:
            raise Unavailable("the receiver", detail=f"{type(error).__name__}: {error}") from error
        return Answer(response.status, response.headers, _read_excerpt(response, most))

    def close(self) -> None:
        self._pools.clear()


class _Pools(PoolManager):
    def __init__(self, guard: Guard, **options: Any) -> None:
        super().__init__(**options)
        self._guard = guard
        self._alarms = Alarms()
        self.pool_classes_by_scheme = {"http": _Pool, "https": _TlsPool}

    def _new_pool(self, *args: Any, **options: Any) -> HTTPConnectionPool:
        pool = super()._new_pool(*args, **options)
        pool.conn_kw |= {"guard": self._guard, "alarms": self._alarms}
        return pool


def _read_excerpt(response: BaseHTTPResponse, most: int) -> bytes:
    """Read a short body to its end, which hands the connection back to its pool; a longer one closes it."""
    try:
        return response.read(most)
    except (HTTPError, OSError):
        # The status has been said, and a body says nothing that counts.
        return b""
    finally:
        response.close()
