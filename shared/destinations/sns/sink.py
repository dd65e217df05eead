"""The SNS sink: a message a row, up to ten of them a request, several requests under way at once.

On a FIFO topic one request follows the other, since the rows of a chunk are one group, which keeps its order.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from shared.destinations.sns.access import Accesses
from shared.destinations.sns.entries import MOST_BYTES, requests
from shared.destinations.sns.flight import Flight
from shared.destinations.sns.progress import Progress
from shared.destinations.sns.publishing import Publishing, Tries
from shared.destinations.sns.topic import Topic, topic_of
from shared.oversized import NONE_SKIPPED, SizeLimit, Skipped
from shared.steps.sending import ChunkDelivery, EncodedBatch, Pulse, Rows

if TYPE_CHECKING:
    from mypy_boto3_sns.type_defs import PublishBatchRequestEntryTypeDef as Entry


@dataclass(frozen=True, slots=True, kw_only=True)
class SnsLimits:
    """Times in seconds.

    ``least``: a delivery that begins with less of the handler's time goes in a message of its own.
    ``request``: how long an answer may take.
    ``in_flight``: requests of one delivery under way at once, of 256 KiB each at most.
    ``tries``: for one request within one delivery; Pub/Sub's redeliveries come on top.
    ``first_pause``, ``longest_pause``: between tries, doubling, each a random part of it (full jitter).
    ``checkpoint``: between two records of progress.
    ``reserve``: of the handler's time, below which the rest goes in a message of its own; a quarter of
    what is left at first, if less.
    """

    least: float
    request: float = 20.0
    in_flight: int = 16
    tries: int = 6
    first_pause: float = 0.25
    longest_pause: float = 8.0
    checkpoint: float = 1.0
    reserve: float = 35.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SnsSink:
    """Fulfils Sink. ``random`` answers a number from 0 to 1."""

    accesses: Accesses
    monotonic: Callable[[], float]
    sleep: Callable[[float], None]
    random: Callable[[], float]
    limits: SnsLimits

    def deliver(self, delivery: ChunkDelivery, rows: Rows, pulse: Pulse) -> bool:
        """Publish the batches that are not yet acknowledged.

        False when the handler's time runs out, or when an earlier destination left too little of it.
        """
        seconds_left = pulse.seconds_left()
        if seconds_left < self.limits.least:
            return False
        pulse.check()
        topic = topic_of(delivery.destination.options["topic_arn"])
        access = self.accesses.of(delivery, topic)
        progress = Progress(delivery, pulse, self.monotonic, self.limits.checkpoint)
        with Flight(1 if topic.fifo else self.limits.in_flight) as flight:
            publishing = Publishing(
                topic=topic,
                access=access,
                knows_region=partial(self.accesses.knows, topic),
                pulse=pulse,
                given_up=lambda: flight.given_up,
                tries=self._tries(),
            )
            errand = _Errand(delivery, topic, flight, publishing.publish, progress)
            reserve = min(self.limits.reserve, seconds_left / 4)
            try:
                complete = _send_all(errand, rows, pulse, reserve)
            except BaseException:
                progress.record_if_possible()
                raise
        if not complete or progress.skipped != delivery.skipped:
            progress.record()
        return complete

    def _tries(self) -> Tries:
        return Tries(
            most=self.limits.tries,
            first_pause=self.limits.first_pause,
            longest_pause=self.limits.longest_pause,
            request=self.limits.request,
            monotonic=self.monotonic,
            sleep=self.sleep,
            random=self.random,
        )


@dataclass(frozen=True, slots=True)
class _Errand:
    """One delivery."""

    delivery: ChunkDelivery
    topic: Topic
    flight: Flight
    publish: "Callable[[list[Entry]], None]"
    progress: Progress

    def send(self, number: int, batch: EncodedBatch) -> None:
        """Send the batch's rows; what is left out counts once the batch is acknowledged."""
        skipped = NONE_SKIPPED

        def leave_out(row: int, key: bytes | None, size: int) -> None:
            nonlocal skipped
            skipped += self._too_large(row, key, size)

        for entries in requests(self.delivery, batch, fifo=self.topic.fifo, leave_out=leave_out):
            self.flight.send(partial(self.publish, entries))
        self.flight.then(lambda: self.progress.acknowledge(number, skipped))

    def _too_large(self, row: int, key: bytes | None, size: int) -> Skipped:
        limit = SizeLimit(
            MOST_BYTES,
            f"topic {self.topic.arn}, its attributes included,",
            "Have the job send fewer or smaller columns",
        )
        return self.delivery.too_large(row, key, size, limit)


def _send_all(errand: _Errand, rows: Rows, pulse: Pulse, reserve: float) -> bool:
    """False when time ran out after some batches, which are acknowledged then."""
    size, first = errand.delivery.batch_rows, errand.delivery.first_batch
    batches = enumerate(rows.batches(size, first * size), first)
    while True:
        pulse.check()
        following = next(batches, None)
        # Nothing that was read after a stop is sent.
        if following is None or (errand.flight.begun and pulse.seconds_left() <= reserve):
            errand.flight.land()
            return following is None
        pulse.check()
        errand.send(*following)
