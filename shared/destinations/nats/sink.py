"""The NATS sink: a chunk's rows as messages of a subject, many under way at once."""

import asyncio
import json
import ssl
from collections import deque
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final, cast

import nats.errors
from nats.aio.msg import Msg

from shared.destinations.guard import Guard
from shared.destinations.labels import labels, row_id
from shared.destinations.nats.connection import Connection, connected, meaning
from shared.destinations.printable import printable
from shared.destinations.requests import Progress
from shared.destinations.surroundings import Secrets
from shared.domain.errors import DestinationRefused, RetryLater, Unavailable
from shared.domain.oversized import NONE_SKIPPED, SizeLimit, Skipped
from shared.steps.sending import ChunkDelivery, EncodedBatch, Pulse, Rows

_ID: Final = "Nats-Msg-Id"
_TOO_LARGE_FOR_STREAM: Final = 10054
_NOBODY: Final = "503"  # listens
_LOOK = 0.5  # seconds between two looks at the pulse


@dataclass(frozen=True, slots=True, kw_only=True)
class NatsLimits:
    """Times in seconds.

    ``least``: a delivery that begins with less of the handler's time goes in a message of its own.
    ``in_flight``, ``bytes_in_flight``: messages under way, one batch more at most. ``answer``: for one
    batch's acknowledgements. ``checkpoint``: between two records of progress. ``reserve``: of the handler's
    time, below which the rest goes in a message of its own; a quarter of what is left, if less.
    """

    least: float
    in_flight: int = 4_000
    bytes_in_flight: int = 16 * 1024 * 1024
    answer: float = 30.0
    checkpoint: float = 1.0
    reserve: float = 35.0


@dataclass(slots=True)
class _Sent:
    """A batch under way: the rows that are not yet acknowledged, and those that were left out of it."""

    batch: EncodedBatch
    left: set[int]
    skipped: Skipped


@dataclass(frozen=True, slots=True, kw_only=True)
class NatsSink:
    """Fulfils Sink. Each delivery has a connection, and a loop, of its own."""

    guard: Guard
    tls: ssl.SSLContext
    insecure: bool
    secrets: Secrets
    monotonic: Callable[[], float]
    limits: NatsLimits

    def deliver(self, delivery: ChunkDelivery, rows: Rows, pulse: Pulse) -> bool:
        """Publish the rows of the batches that are not yet acknowledged; False when time ran out."""
        pulse.check()
        if pulse.seconds_left() < self.limits.least:
            return False
        progress = Progress(delivery, pulse, self.monotonic, self.limits.checkpoint)
        try:
            complete = asyncio.run(_watched(self._deliver(delivery, rows, pulse, progress), pulse))
        except BaseException:
            progress.record_if_possible()
            raise
        if not complete or progress.skipped != delivery.skipped:
            progress.record()
        return complete

    async def _deliver(self, delivery: ChunkDelivery, rows: Rows, pulse: Pulse, progress: Progress) -> bool:
        connection = await connected(delivery, self.guard, self.secrets, self.tls, insecure=self.insecure)
        try:
            return await _Sending(self, connection, delivery, pulse, progress).send_all(rows)
        except nats.errors.Error as error:
            raise meaning(connection.failure or error, delivery) from None
        finally:
            # Whatever was not acknowledged comes again.
            await connection.client.abort()


async def _watched(work: Coroutine[Any, Any, bool], pulse: Pulse) -> bool:
    """What the work answers or raises; what the pulse raises meanwhile ends it."""
    task = asyncio.create_task(work)
    try:
        while not task.done():
            pulse.check()
            await asyncio.wait({task}, timeout=_LOOK)
    except BaseException:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        raise
    return task.result()


class _Sending:
    """One delivery over its connection."""

    def __init__(
        self,
        sink: NatsSink,
        connection: Connection,
        delivery: ChunkDelivery,
        pulse: Pulse,
        progress: Progress,
    ) -> None:
        self._limits = sink.limits
        self._monotonic = sink.monotonic
        self._connection = connection
        self._delivery = delivery
        self._subject = delivery.destination.options["subject"]
        self._most = connection.client.max_payload
        self._pulse = pulse
        self._progress = progress
        self._reserve = min(sink.limits.reserve, pulse.seconds_left() / 4)
        self._inbox = connection.client.new_inbox()
        self._flying: deque[_Sent] = deque()
        self._waiting: dict[int, _Sent] = {}
        self._heard = asyncio.Event()
        self._failure: Exception | None = None

    async def send_all(self, rows: Rows) -> bool:
        self._task = cast("asyncio.Task[Any]", asyncio.current_task())
        await self._connection.client.subscribe(f"{self._inbox}.*", cb=self._answer, pending_msgs_limit=0)
        delivery = self._delivery
        begun = False
        for batch in rows.batches(delivery.batch_rows, delivery.first_batch * delivery.batch_rows):
            self._pulse.check()
            if begun and self._pulse.seconds_left() <= self._reserve:
                await self._land()
                return False
            while self._is_full():
                await self._land_first()
            await self._send(batch)
            begun = True
        await self._land()
        return True

    async def _send(self, batch: EncodedBatch) -> None:
        sent = _Sent(batch, set(), NONE_SKIPPED)
        self._flying.append(sent)
        for index, line in enumerate(batch.lines()):
            row = batch.first_row + index
            headers = {_ID: row_id(self._delivery, row), **labels(self._delivery, row)}
            # As they are written: each name and value with a colon, a space and a line's end.
            size = len(line) + sum(len(name) + len(value) + 4 for name, value in headers.items()) + 14
            if size > self._most:
                sent.skipped += self._too_large(batch, row, size, self._most)
                continue
            sent.left.add(row)
            self._waiting[row] = sent
            await self._connection.client.publish(
                self._subject, line, reply=f"{self._inbox}.{row}", headers=headers
            )
            self._require_going_on()

    def _require_going_on(self) -> None:
        """The client keeps to itself that it was cancelled, or that the server did not read, meanwhile."""
        if self._task.cancelling():
            raise asyncio.CancelledError
        if self._connection.failure is not None:
            raise meaning(self._connection.failure, self._delivery)

    async def _answer(self, message: Msg) -> None:
        """What the stream says of one row."""
        row = int(message.subject.rpartition(".")[2])
        if not _is_of_stream(message):
            # Of a subscriber that answers whatever it gets: the stream's own word may follow.
            return
        sent = self._waiting.pop(row, None)
        if sent is None:
            return
        try:
            sent.skipped += self._skipped(sent.batch, row, message)
        except (DestinationRefused, RetryLater) as failure:
            self._failure = self._failure or failure
        sent.left.discard(row)
        if self._failure is not None or not sent.left:
            self._heard.set()

    def _skipped(self, batch: EncodedBatch, row: int, message: Msg) -> Skipped:
        """The row, if it is too large for the stream and left out; raises what else the answer means."""
        if not message.data:
            # The server's own word that nobody listens.
            raise DestinationRefused(
                f"No stream holds subject {self._subject}: have one hold it, and retry the job"
            )
        error = json.loads(message.data).get("error")
        if error is None:
            return NONE_SKIPPED
        if error.get("err_code") == _TOO_LARGE_FOR_STREAM:
            return self._too_large(batch, row, len(batch.lines()[row - batch.first_row]), None)
        # A stream that is full takes more once its readers have read, or its owner has made room.
        told = f"{error.get('code')} {error.get('err_code')}: {error.get('description')}"
        raise Unavailable(f"the stream of subject {self._subject}", detail=printable(told))

    def _too_large(self, batch: EncodedBatch, row: int, size: int, most: int | None) -> Skipped:
        keys = batch.keys()
        holder = "the NATS server" if most else f"the stream of subject {self._subject}"
        setting = "max_payload" if most else "max_msg_size"
        limit = SizeLimit(most, f"{holder} (its {setting})", "Raise that setting")
        return self._delivery.too_large(row, keys[row - batch.first_row] if keys else None, size, limit)

    def _is_full(self) -> bool:
        return bool(self._flying) and (
            len(self._waiting) >= self._limits.in_flight
            or sum(sent.batch.size for sent in self._flying) >= self._limits.bytes_in_flight
        )

    async def _land(self) -> None:
        while self._flying:
            await self._land_first()

    async def _land_first(self) -> None:
        sent = self._flying[0]
        until = self._monotonic() + self._limits.answer
        while sent.left and self._failure is None:
            self._heard.clear()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._heard.wait(), _LOOK)
            if sent.left:
                self._require_going_on()
            if sent.left and (self._monotonic() > until or self._connection.client.is_closed):
                raise Unavailable("NATS", detail=f"{len(sent.left)} rows were not acknowledged")
        if self._failure is not None:
            raise self._failure
        self._flying.popleft()
        self._progress.advance(sent.skipped)


def _is_of_stream(message: Msg) -> bool:
    """Whether a stream, or the server that has none, has answered: only those words count."""
    if not message.data:
        return (message.headers or {}).get("Status") == _NOBODY
    try:
        answer = json.loads(message.data)
    except ValueError:
        return False
    return isinstance(answer, dict) and (
        isinstance(answer.get("error"), dict) or ("stream" in answer and "seq" in answer)
    )
