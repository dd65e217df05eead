"""The progress of a chunk's delivery to a webhook, and its record."""

from collections.abc import Callable, Iterator
from contextlib import suppress

from shared.destinations.webhook.flight import Parcel
from shared.domain.errors import DestinationRefused, RetryLater
from shared.domain.oversized import Skipped
from shared.domain.pieces import Splits
from shared.steps.sending import ChunkDelivery, EncodedBatch, Pulse, Rows


class Progress:
    """The acknowledged rows and the splits of batches, recorded every ``interval`` seconds.

    ``monotonic`` in seconds. A record is a write to one document, and Firestore allows about one a second.
    """

    def __init__(
        self,
        delivery: ChunkDelivery,
        pulse: Pulse,
        monotonic: Callable[[], float],
        *,
        interval: float,
        most_bytes: int,
    ) -> None:
        """``most_bytes``: what the rows of a batch may have."""
        self._delivery = delivery
        self._most_bytes = most_bytes
        self._pulse = pulse
        self._next_batch = delivery.first_batch
        self.splits = delivery.splits
        self.skipped = delivery.skipped
        self._recorded = self._state()
        self._unsent = 0
        self._monotonic = monotonic
        self._interval = interval
        self._recorded_at = monotonic()

    def acknowledge(self, parcel: Parcel) -> None:
        """Record that the receiver has all rows up to the parcel's last one."""
        self.splits = self.splits.acknowledge(parcel.piece)
        if parcel.piece.end >= self._end_of(parcel.number):
            self._next_batch = parcel.number + 1
        if self._monotonic() - self._recorded_at >= self._interval:
            self.record()

    def leave_out(self, parcel: Parcel, skipped: Skipped) -> None:
        """Record the parcel, one row that the receiver refuses, as skipped."""
        self.skipped += skipped
        self.acknowledge(parcel)

    def split(self, parcel: Parcel) -> Iterator[Parcel]:
        """Return the parcels to send instead of one that the receiver refused as too large. This is final."""
        self.splits = self.splits.refuse(parcel.piece, parcel.rows.size, self._unsent)
        self.record()
        return _cut(parcel, self.splits)

    def parcels(self, rows: Rows) -> Iterator[Parcel]:
        """Yield the unacknowledged parcels in order. A batch is read when its first parcel is needed.

        Raises DestinationRefused for a batch that is too large to be held. It cannot be divided, because its
        number is the request's id.
        """
        batches = rows.batches(self._delivery.batch_rows, self._delivery.first_row, self._most_bytes)
        for number, batch in enumerate(batches, self._next_batch):
            if not self._delivery.ends_batch(batch.first_row + batch.rows):
                raise self._too_large(number, batch)
            self._unsent = batch.first_row + batch.rows
            yield from _cut(Parcel(number, batch), self.splits)

    def record(self) -> None:
        state = self._state()
        if state != self._recorded:
            self._pulse.checkpoint(*state)
            self._recorded, self._recorded_at = state, self._monotonic()

    def record_if_possible(self) -> None:
        """Record the progress when an error interrupts the delivery. That error matters more than a failure
        of this write.
        """
        with suppress(RetryLater):
            self.record()

    def _state(self) -> tuple[int, Skipped, Splits]:
        return self._next_batch, self.skipped, self.splits

    def _too_large(self, number: int, begun: EncodedBatch) -> DestinationRefused:
        rows = self._end_of(number) - begun.first_row
        size = begun.size + sum(len(key) for key in begun.keys() or () if key is not None)
        return DestinationRefused(
            f"Batch {number} of chunk {self._delivery.chunk} is too large for one request of webhook"
            f" {self._delivery.destination.name}: the first {begun.rows:,} of its {rows:,} rows already have"
            f" {size:,} bytes with their keys, and a batch may have {self._most_bytes:,}. Create the job anew"
            f" with batch_rows of at most {max(1, begun.rows // 2)}"
        )

    def _end_of(self, batch: int) -> int:
        return min(self._delivery.rows, (batch + 1) * self._delivery.batch_rows)


def _cut(parcel: Parcel, splits: Splits) -> Iterator[Parcel]:
    """Yield the parcel as it must be sent: whole, or in pieces without the acknowledged ones."""
    if splits.halved(parcel.piece, parcel.rows.size):
        for half in parcel.halves():
            yield from _cut(half, splits)
    elif parcel.piece.end > splits.acknowledged:
        yield parcel
