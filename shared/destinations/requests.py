"""Sends chunks as separately acknowledged requests, several in flight at once. It serves the kinds of
destination whose client answers each request.

A delivery counts batches of rows as done in their order, in whatever order the answers arrive.
"""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Generic, TypeVar

from shared.domain.errors import RetryLater, Unavailable
from shared.domain.oversized import NONE_SKIPPED, Skipped
from shared.steps.release import releasing
from shared.steps.sending import ChunkDelivery, EncodedBatch, Pulse, Rows

Payload = TypeVar("Payload")


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestLimits:
    """Times in seconds.

    ``least``: a delivery that would begin with less of the handler's time left goes into a separate message.
    ``in_flight``, ``bytes_in_flight``: the limits of requests in flight, exceeded by at most one request.
    ``tries``: the attempts of one request within one delivery. ``first_pause``, ``longest_pause``: the pauses
    between attempts, doubling, each shortened at random. ``checkpoint``: between two records of progress.
    ``reserve``: the part of the handler's time below which the rest goes into a separate message; a quarter
    of the remaining time, if less.
    """

    least: float
    in_flight: int = 8
    bytes_in_flight: int = 32 * 1024 * 1024
    tries: int = 4
    first_pause: float = 0.5
    longest_pause: float = 8.0
    checkpoint: float = 1.0
    reserve: float = 35.0


@dataclass(frozen=True, slots=True)
class Request(Generic[Payload]):
    """The payload of one request, and its size in bytes."""

    payload: Payload
    size: int


Prepare = Callable[[EncodedBatch], tuple[Sequence[Request[Payload]], Skipped]]
"""Returns the requests of a batch, and the skipped rows."""
Send = Callable[[Payload], None]
"""Sends a request and waits for its acknowledgement; Unavailable if a retry may succeed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Requests:
    """Sends chunks. ``random`` returns a number from 0 to 1."""

    monotonic: Callable[[], float]
    sleep: Callable[[float], None]
    random: Callable[[], float]
    limits: RequestLimits

    def deliver(
        self,
        delivery: ChunkDelivery,
        rows: Rows,
        pulse: Pulse,
        prepare: "Prepare[Payload]",
        send: "Send[Payload]",
    ) -> bool:
        """Send the unacknowledged rows. Return False if time ran out, or if there was too little time."""
        pulse.check()
        if pulse.seconds_left() < self.limits.least:
            return False
        progress = Progress(delivery, pulse, self.monotonic, self.limits.checkpoint)
        sending = _Sending(self, pulse, send, progress)
        try:
            complete = sending.send_all(delivery, rows, prepare)
        except BaseException:
            progress.record_if_possible()
            raise
        if not complete or progress.skipped != delivery.skipped:
            progress.record()
        return complete


class _Sending(Generic[Payload]):
    """One delivery."""

    def __init__(self, how: Requests, pulse: Pulse, send: "Send[Payload]", progress: "Progress") -> None:
        self._how = how
        self._limits = how.limits
        self._pulse = pulse
        self._send = send
        self._progress = progress
        self._reserve = min(how.limits.reserve, pulse.seconds_left() / 4)
        self._window: _Window[Payload] = _Window(how.limits, self._try)

    def send_all(self, delivery: ChunkDelivery, rows: Rows, prepare: "Prepare[Payload]") -> bool:
        begun = False
        with self._window as window:
            for batch in rows.batches(delivery.batch_rows, delivery.first_row):
                self._pulse.check()
                # Not within a numbered batch: no progress would be recorded for it.
                is_next = delivery.ends_batch(batch.first_row)
                if begun and is_next and self._pulse.seconds_left() <= self._reserve:
                    window.land()
                    return False
                requests, skipped = prepare(batch)
                for request in requests:
                    window.submit(request)
                window.after_these(partial(self._progress.advance, batch.first_row + batch.rows, skipped))
                begun = True
            window.land()
        return True

    def _try(self, payload: Payload) -> None:
        attempt = 0
        while not self._window.given_up:
            attempt += 1
            self._pulse.check()
            try:
                self._send(payload)
            except Unavailable:
                if attempt == self._limits.tries:
                    raise
            else:
                return
            longest = min(self._limits.longest_pause, self._limits.first_pause * 2.0 ** (attempt - 1))
            self._pause(self._how.random() * longest)

    def _pause(self, seconds: float) -> None:
        until = self._how.monotonic() + seconds
        while (left := until - self._how.monotonic()) > 0 and not self._window.given_up:
            self._pulse.check()
            self._how.sleep(min(left, 0.5))


class _Window(Generic[Payload]):
    """Sends in its own threads. The action that follows a request runs after it and all earlier ones are
    done.
    """

    def __init__(self, limits: RequestLimits, send: "Send[Payload]") -> None:
        self._limits = limits
        self._send = send
        self._flying: deque[tuple[int, Future[None] | Callable[[], None]]] = deque()
        self._requests = 0
        self._bytes = 0
        self._pool = ThreadPoolExecutor(limits.in_flight, "requests")
        self.given_up = False

    def __enter__(self) -> "_Window[Payload]":
        return self

    def __exit__(self, *_: object) -> None:
        self.given_up = True
        self._pool.shutdown(cancel_futures=True)
        self._flying.clear()

    def submit(self, request: Request[Payload]) -> None:
        """Wait for room and send. Raise the error of an earlier request, if any."""
        while self._requests >= self._limits.in_flight or (
            self._requests and self._bytes + request.size > self._limits.bytes_in_flight
        ):
            self._land_first()
        self._flying.append((request.size, self._pool.submit(releasing, self._send, request.payload)))
        self._requests += 1
        self._bytes += request.size

    def after_these(self, happens: Callable[[], None]) -> None:
        self._flying.append((0, happens))

    def land(self) -> None:
        while self._flying:
            self._land_first()

    def _land_first(self) -> None:
        size, first = self._flying.popleft()
        if isinstance(first, Future):
            first.result()
            self._requests -= 1
            self._bytes -= size
        else:
            first()


class Progress:
    """The batches acknowledged so far, recorded every ``interval`` seconds of ``monotonic``.

    A record is a write to one document, and Firestore allows about one write a second.
    """

    def __init__(
        self, delivery: ChunkDelivery, pulse: Pulse, monotonic: Callable[[], float], interval: float
    ) -> None:
        self._delivery = delivery
        self._pulse = pulse
        self._next_batch = delivery.first_batch
        self.skipped = delivery.skipped
        self._skipped_within = NONE_SKIPPED
        self._recorded = (self._next_batch, self.skipped)
        self._monotonic = monotonic
        self._interval = interval
        self._recorded_at = monotonic()

    def advance(self, end: int, skipped: Skipped = NONE_SKIPPED) -> None:
        """Count the rows before row ``end`` as acknowledged, without the skipped ones.

        Only whole numbered batches are recorded. A later delivery sends a batch again from its first row,
        and then finds the skipped rows within it again.
        """
        self._skipped_within += skipped
        if not self._delivery.ends_batch(end):
            return
        self._next_batch += 1
        self.skipped += self._skipped_within
        self._skipped_within = NONE_SKIPPED
        if self._monotonic() - self._recorded_at >= self._interval:
            self.record()

    def record(self) -> None:
        state = (self._next_batch, self.skipped)
        if state != self._recorded:
            self._pulse.checkpoint(*state)
            self._recorded, self._recorded_at = state, self._monotonic()

    def record_if_possible(self) -> None:
        """Record the progress when an error interrupts the delivery. That error matters more than a failure
        of this write.
        """
        with suppress(RetryLater):
            self.record()


def grouped(
    items: Iterator[tuple[Payload, int]], most: int, most_bytes: int
) -> Iterator[Request[list[Payload]]]:
    """Yield requests of consecutive items, each item with its bytes: as many as fit, at least one."""
    group: list[Payload] = []
    size = 0
    for item, bytes_ in items:
        if group and (len(group) == most or size + bytes_ > most_bytes):
            yield Request(group, size)
            group, size = [], 0
        group.append(item)
        size += bytes_
    if group:
        yield Request(group, size)
