"""Encodes a chunk's first batches while its destination gets ready."""

from collections import deque
from collections.abc import Callable, Iterator

from shared.steps.sending import MessageBatch, Pulse


class ReadAhead:
    """A chunk's batches. Some may be read before the sink requests them.

    An error of reading ahead is raised in its turn, after the batches before it.
    """

    def __init__(self, batches: Iterator[MessageBatch], pulse: Pulse) -> None:
        self._batches = batches
        self._pulse = pulse
        self._held: deque[MessageBatch] = deque()
        self._error: Exception | None = None

    def fill(self, most: int, *, enough: Callable[[], bool]) -> None:
        """Read batches until there is ``enough``, or ``most`` bytes of them are held."""
        held = 0
        try:
            while held < most and not enough():
                self._pulse.check()
                self._held.append(next(self._batches))
                held += self._held[-1].size
        except StopIteration:
            return
        except Exception as error:  # noqa: BLE001 - it is raised in its turn
            self._error = error

    def __iter__(self) -> Iterator[MessageBatch]:
        while self._held:
            yield self._held.popleft()
        if self._error is not None:
            raise self._error
        yield from self._batches
