"""A chunk's rows as a file of lines, of which no more than a part is ever held."""

import io
from collections.abc import Callable, Iterator

from shared.steps.sending import EncodedBatch


class Lines(io.RawIOBase):
    """One JSON object a line, read once from its beginning to its end.

    ``check`` is asked before and after each batch. What it or the rows raise comes out of ``read``, so that
    an upload ends there, unfinished.
    """

    def __init__(self, batches: Iterator[EncodedBatch], check: Callable[[], None]) -> None:
        super().__init__()
        self._batches = batches
        self._check = check
        self._held = bytearray()
        self._place = 0
        self._ended = False

    def readable(self) -> bool:
        return True

    def tell(self) -> int:
        """Bytes that were read."""
        return self._place

    def read(self, size: int = -1) -> bytes:
        """Exactly ``size`` bytes, but for the last ones; all that are left if it is negative."""
        self._check()
        while not self._ended and (size < 0 or len(self._held) < size):
            batch = next(self._batches, None)
            if batch is None:
                self._ended = True
                break
            for line in batch.lines():
                self._held += line
                self._held += b"\n"
            self._check()
        most = len(self._held) if size < 0 else size
        part = bytes(self._held[:most])
        del self._held[:most]
        self._place += len(part)
        return part
