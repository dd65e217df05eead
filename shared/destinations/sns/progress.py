"""How far a chunk's delivery is, and what of it is on record."""

from collections.abc import Callable
from contextlib import suppress

from shared.errors import RetryLater
from shared.oversized import Skipped
from shared.steps.sending import ChunkDelivery, Pulse


class Progress:
    """The batches acknowledged so far, recorded every ``interval`` seconds of ``monotonic``.

    A record is a write to one document, which takes about one a second.
    """

    def __init__(
        self, delivery: ChunkDelivery, pulse: Pulse, monotonic: Callable[[], float], interval: float
    ) -> None:
        self._pulse = pulse
        self._monotonic = monotonic
        self._interval = interval
        self.next_batch, self.skipped = delivery.first_batch, delivery.skipped
        self._recorded = self.next_batch, self.skipped
        self._recorded_at = monotonic()

    def acknowledge(self, batch: int, skipped: Skipped) -> None:
        """The topic has all rows of the batch, but for those ``skipped``, and of all batches before it."""
        self.next_batch = batch + 1
        self.skipped += skipped
        if self._monotonic() - self._recorded_at >= self._interval:
            self.record()

    def record(self) -> None:
        state = self.next_batch, self.skipped
        if state != self._recorded:
            self._pulse.checkpoint(*state)
            self._recorded, self._recorded_at = state, self._monotonic()

    def record_if_possible(self) -> None:
        """Record what an error interrupts, which counts for more than a record that can't be written."""
        with suppress(RetryLater):
            self.record()
