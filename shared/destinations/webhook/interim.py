"""Skips interim responses (1xx) of a receiver: the response after them counts.

The standard library knows only `100 Continue`. It takes any other interim response for the response, and then
the real response for that of the connection's next request.
"""

from http import HTTPStatus
from http.client import HTTPException, HTTPResponse
from typing import Any

_MOST_BYTES = 262_144  # of all heads of one request's responses; some receivers set many cookies


class FinalAnswer(HTTPResponse):
    """The first response to a request that is not an interim one.

    `101 Switching Protocols` is final: the service did not request it, and no HTTP follows it. The request's
    alarm limits the time. Raises HTTPException if the heads exceed a generous limit.
    """

    def begin(self) -> None:
        self.fp: Any
        stream = self.fp
        self.fp = heads = _Heads(stream, _MOST_BYTES)
        try:
            super().begin()
            while self._is_interim():
                # Reset the state, because the library reads no head twice.
                self.headers = self.msg = None  # type: ignore[assignment]  # so it is before the first
                super().begin()
        finally:
            if self.fp is heads:
                self.fp = stream
        if self.status == HTTPStatus.SWITCHING_PROTOCOLS:
            self.will_close = True

    def _is_interim(self) -> bool:
        informational = HTTPStatus.CONTINUE <= self.status < HTTPStatus.OK
        return informational and self.status != HTTPStatus.SWITCHING_PROTOCOLS


class _Heads:
    """The lines of a connection, up to a limit of bytes."""

    def __init__(self, stream: Any, most: int) -> None:
        self._stream = stream
        self._left = most

    def readline(self, size: int) -> bytes:
        line: bytes = self._stream.readline(min(size, self._left + 1))
        self._left -= len(line)
        if self._left < 0:
            raise HTTPException("the response's head is too long")
        return line

    def close(self) -> None:
        self._stream.close()
