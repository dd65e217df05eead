"""Interim answers of a receiver (1xx), passed over: what counts is the answer behind them.

The standard library knows one of them, `100 Continue`. Any other it takes for the answer, and then the real
one for that of the connection's next request.
"""

from http import HTTPStatus
from http.client import HTTPException, HTTPResponse
from typing import Any

_MOST_BYTES = 262_144  # of all heads of one request's answers; some receivers have a lot of cookies


class FinalAnswer(HTTPResponse):
    """The first answer to a request that is not an interim one.

    `101 Switching Protocols` is final: nobody asked for it, and what follows is no HTTP. Time is the
    request's alarm's to end; HTTPException where the heads are longer than any receiver's need be.
    """

    def begin(self) -> None:
        self.fp: Any
        stream = self.fp
        self.fp = heads = _Heads(stream, _MOST_BYTES)
        try:
            super().begin()
            while self._is_interim():
                # As it was before: the library reads no head twice.
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
    """The lines of a connection, up to so many bytes of them."""

    def __init__(self, stream: Any, most: int) -> None:
        self._stream = stream
        self._left = most

    def readline(self, size: int) -> bytes:
        line: bytes = self._stream.readline(min(size, self._left + 1))
        self._left -= len(line)
        if self._left < 0:
            raise HTTPException("the answer's head is too long")
        return line

    def close(self) -> None:
        self._stream.close()
