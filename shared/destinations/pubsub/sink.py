"""The sink of Pub/Sub topics: a message a row, several publish requests under way at once."""

import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from google.api_core.exceptions import (
    FailedPrecondition,
    GoogleAPICallError,
    InvalidArgument,
    NotFound,
    PermissionDenied,
)
from google.pubsub_v1 import PublisherClient
from google.pubsub_v1.types import PublishRequest

from shared.destinations.google_refusals import Refusals, is_passing, speaking_to
from shared.destinations.pubsub.flight import Flight
from shared.destinations.pubsub.requests import Batch, prepare
from shared.errors import DestinationRefused, RetryLater
from shared.steps.sending import ChunkDelivery, Pulse, Rows


@dataclass(frozen=True, slots=True, kw_only=True)
class PubsubLimits:
    """Times in seconds.

    ``least``: a delivery that begins with less of the handler's time goes in a message of its own.
    ``request``: for one request. ``tries``: for one request within one delivery, ``pause`` between the first
    two, doubling. ``in_flight``: batches of one delivery under way at once, and ``most_bytes`` of them.
    ``threads``: requests under way at once. ``checkpoint``: between two records of progress.
    ``reserve``: of the handler's time, below which the rest goes in a message of its own; a quarter of what
    is left at first, if less.
    """

    least: float
    request: float = 15.0
    tries: int = 4
    pause: float = 0.25
    in_flight: int = 4
    most_bytes: int = 24_000_000
    threads: int = 8
    checkpoint: float = 1.0
    reserve: float = 35.0


class PubsubSink:
    """Fulfils Sink. ``own``: whether a topic is the service's own, which nobody else may fill."""

    def __init__(
        self,
        client: PublisherClient,
        *,
        own: Callable[[str], bool],
        monotonic: Callable[[], float],
        limits: PubsubLimits,
    ) -> None:
        self._client = client
        self._own = own
        self._monotonic = monotonic
        self._limits = limits

    def deliver(self, delivery: ChunkDelivery, rows: Rows, pulse: Pulse) -> bool:
        """Publish the batches that are not yet acknowledged.

        False when the handler's time runs out, or when an earlier destination left too little of it.
        """
        topic = delivery.destination.options["topic"]
        if self._own(topic):
            raise DestinationRefused(f"The topic {topic} is the service's own. Name a topic of yours")
        seconds_left = pulse.seconds_left()
        if seconds_left < self._limits.least:
            return False
        progress = _Progress(delivery, pulse, self._monotonic, self._limits.checkpoint)
        try:
            with speaking_to(f"the topic {topic}", _refusals(topic)):
                reserve = min(self._limits.reserve, seconds_left / 4)
                complete = self._send_all(delivery, rows, pulse, progress, reserve)
        except BaseException:
            # The error counts for more than a record that can't be written.
            with suppress(RetryLater):
                progress.record()
            raise
        if not complete or progress.skipped != delivery.skipped:
            progress.record()
        return complete

    def _send_all(
        self, delivery: ChunkDelivery, rows: Rows, pulse: Pulse, progress: "_Progress", reserve: float
    ) -> bool:
        """False when time ran out after some batches, which are acknowledged then."""
        first, size = delivery.first_batch, delivery.batch_rows
        ordered = delivery.destination.options.get("ordering_key_column") is not None
        pulse.check()
        with Flight(
            self._publish,
            pulse,
            progress.landed,
            threads=self._limits.threads,
            most_batches=1 if ordered else self._limits.in_flight,
            most_bytes=self._limits.most_bytes,
        ) as flight:
            for number, batch in enumerate(rows.batches(size, first * size), first):
                if number > first and pulse.seconds_left() <= reserve:
                    flight.land()
                    return False
                try:
                    prepared = prepare(delivery, number, batch)
                except DestinationRefused:
                    flight.land()  # so that what was sent is on record
                    raise
                flight.send(prepared)
            flight.land()
        return True

    def _publish(self, request: PublishRequest, given_up: threading.Event) -> None:
        """One request and its answer, tried again for what may pass.

        Not by the client's own retries: nothing could end these when the job is cancelled.
        """
        for attempt in range(1, self._limits.tries + 1):
            try:
                self._client.publish(request=request, retry=None, timeout=self._limits.request)
            except GoogleAPICallError as error:
                if attempt == self._limits.tries or not is_passing(error):
                    raise
            else:
                return
            if given_up.wait(self._limits.pause * 2.0 ** (attempt - 1)):
                return


class _Progress:
    """The batches acknowledged so far, recorded every ``interval`` seconds."""

    def __init__(
        self, delivery: ChunkDelivery, pulse: Pulse, monotonic: Callable[[], float], interval: float
    ) -> None:
        self._pulse = pulse
        self._monotonic = monotonic
        self._interval = interval
        self._next_batch = delivery.first_batch
        self.skipped = delivery.skipped
        self._recorded = self._next_batch
        self._recorded_at = monotonic()

    def landed(self, batch: Batch) -> None:
        self._next_batch = batch.number + 1
        self.skipped += batch.skipped
        if self._monotonic() - self._recorded_at >= self._interval:
            self.record()

    def record(self) -> None:
        if self._next_batch != self._recorded:
            self._pulse.checkpoint(self._next_batch, self.skipped)
            self._recorded, self._recorded_at = self._next_batch, self._monotonic()


def _refusals(topic: str) -> Refusals:
    return {
        NotFound: f"There is no topic {topic}. Create it and retry the job, or name another one",
        PermissionDenied: (
            f"The topic {topic} does not let this service publish. Grant the service's delivery account"
            " roles/pubsub.publisher on it and retry the job"
        ),
        InvalidArgument: (
            f"The topic {topic} does not take these messages. Look at its schema and retry the job"
        ),
        FailedPrecondition: (
            f"The topic {topic} takes no messages as it is. Look at its encryption key and its storage"
            " policy, and retry the job"
        ),
    }
