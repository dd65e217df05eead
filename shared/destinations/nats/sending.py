"""Publishes a chunk's rows to a subject, and handles the stream's acknowledgement of each row."""

import asyncio
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final, cast

import msgspec
from nats.aio.msg import Msg

from shared.destinations.labels import ROW, id_prefix, labels
from shared.destinations.nats.complaints import meaning
from shared.destinations.nats.connection import Connection
from shared.destinations.nats.streams import why_nobody_listens
from shared.destinations.printable import printable
from shared.destinations.requests import Progress
from shared.domain.errors import DestinationRefused, RetryLater, Unavailable
from shared.domain.oversized import NONE_SKIPPED, SizeLimit, Skipped
from shared.steps.sending import ChunkDelivery, EncodedBatch, Pulse, Rows

LOOK = 0.5  # seconds between two checks of the pulse
_ID: Final = "Nats-Msg-Id"
_TOO_LARGE_FOR_STREAM: Final = 10054
_NOBODY: Final = "503"  # the server's status if nobody listens


@dataclass(frozen=True, slots=True, kw_only=True)
class NatsLimits:
    """Times in seconds.

    ``least``: a delivery that would begin with less of the handler's time left goes into a separate message.
    ``in_flight``, ``bytes_in_flight``: the limits of messages in flight, exceeded by at most one batch.
    ``answer``: the limit for one batch's acknowledgements. ``checkpoint``: between two records of progress.
    ``reserve``: the part of the handler's time below which the rest goes into a separate message; a quarter
    of the remaining time, if less.
    """

    least: float
    in_flight: int = 4_000
    bytes_in_flight: int = 16 * 1024 * 1024
    answer: float = 30.0
    checkpoint: float = 1.0
    reserve: float = 35.0


@dataclass(slots=True)
class _Sent:
    """A batch in flight: the number of its unacknowledged rows, and its skipped rows."""

    batch: EncodedBatch
    left: int = 0
    skipped: Skipped = NONE_SKIPPED


class _Fault(msgspec.Struct):
    code: int | None = None
    err_code: int | None = None
    description: str | None = None


class _Answer(msgspec.Struct):
    """A stream's answer to one message."""

    error: _Fault | None = None
    stream: str | None = None
    seq: int | None = None


_ANSWER: Final = msgspec.json.Decoder(_Answer)


class _NobodyListensError(Exception):
    """The server reports that nobody listens. This may change a moment later."""


class Sending:
    """One delivery with its connection."""

    def __init__(
        self,
        connection: Connection,
        delivery: ChunkDelivery,
        pulse: Pulse,
        progress: Progress,
        *,
        limits: NatsLimits,
        monotonic: Callable[[], float],
    ) -> None:
        self._limits = limits
        self._monotonic = monotonic
        self._connection = connection
        self._delivery = delivery
        self._subject = delivery.destination.options["subject"]
        self._most = connection.client.max_payload
        self._pulse = pulse
        self._progress = progress
        self._reserve = min(limits.reserve, pulse.seconds_left() / 4)
        self._inbox = connection.client.new_inbox()
        self._flying: deque[_Sent] = deque()
        self._waiting: dict[int, _Sent] = {}
        self._id_prefix = id_prefix(delivery)
        self._headers = {_ID: self._id_prefix, **labels(delivery, 0), ROW: ""}
        # The headers as written: each has a colon, a space and a line break.
        self._overhead = sum(len(name) + len(value) + 4 for name, value in self._headers.items()) + 14
        self._heard = asyncio.Event()
        self._failure: Exception | None = None
        self._acknowledged = False

    async def send_all(self, rows: Rows) -> bool:
        self._task = cast("asyncio.Task[Any]", asyncio.current_task())
        await self._connection.client.subscribe(f"{self._inbox}.*", cb=self._answer, pending_msgs_limit=0)
        delivery = self._delivery
        begun = False
        for batch in rows.batches(delivery.batch_rows, delivery.first_row):
            self._pulse.check()
            # Not within a numbered batch: no progress would be recorded for it.
            is_next = delivery.ends_batch(batch.first_row)
            if begun and is_next and self._pulse.seconds_left() <= self._reserve:
                await self._land()
                return False
            while self._is_full():
                await self._land_first()
            await self._send(batch)
            begun = True
        await self._land()
        return True

    async def _send(self, batch: EncodedBatch) -> None:
        sent = _Sent(batch)
        self._flying.append(sent)
        publish = self._connection.client.publish
        for row, line in enumerate(batch.lines(), batch.first_row):
            number = str(row)
            size = len(line) + self._overhead + 2 * len(number)  # two headers have it
            if size > self._most:
                sent.skipped += self._too_large(batch, row, size, self._most)
                continue
            sent.left += 1
            self._waiting[row] = sent
            headers = {**self._headers, _ID: self._id_prefix + number, ROW: number}
            await publish(self._subject, line, f"{self._inbox}.{number}", headers)
            self._require_going_on()

    def _require_going_on(self) -> None:
        """Raise what the client hides: a cancellation, or a server that does not read."""
        if self._task.cancelling():
            raise asyncio.CancelledError
        if self._connection.failure is not None:
            raise meaning(self._connection.failure, self._delivery)

    async def _answer(self, message: Msg) -> None:
        """Handle the stream's answer for one row."""
        answer = _of_stream(message)
        if answer is None:
            # A subscriber answered the message. The stream's own answer may follow.
            return
        row = int(message.subject.rpartition(".")[2])
        sent = self._waiting.pop(row, None)
        if sent is None:
            return
        sent.left -= 1
        try:
            if not isinstance(answer, _Answer):
                raise answer
            if answer.error is not None:
                sent.skipped += self._skipped(sent.batch, row, answer.error)
            self._acknowledged = True
        except (DestinationRefused, RetryLater, _NobodyListensError) as failure:
            self._failure = self._failure or failure
        if self._failure is not None or not sent.left:
            self._heard.set()

    def _skipped(self, batch: EncodedBatch, row: int, fault: _Fault) -> Skipped:
        """Return the row if it is too large for the stream and skipped. Otherwise raise the answer's
        error.
        """
        if fault.err_code == _TOO_LARGE_FOR_STREAM:
            return self._too_large(batch, row, len(batch.lines()[row - batch.first_row]), None)
        # A full stream accepts messages again after its readers have read, or its owner has made room.
        told = f"{fault.code} {fault.err_code}: {fault.description}"
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
                await asyncio.wait_for(self._heard.wait(), LOOK)
            if sent.left:
                self._require_going_on()
            if sent.left and (self._monotonic() > until or self._connection.client.is_closed):
                raise Unavailable("NATS", detail=f"{sent.left} rows were not acknowledged")
        if isinstance(self._failure, _NobodyListensError):
            raise await why_nobody_listens(
                self._connection.client, self._subject, acknowledged=self._acknowledged
            )
        if self._failure is not None:
            raise self._failure
        self._flying.popleft()
        self._progress.advance(sent.batch.first_row + sent.batch.rows, sent.skipped)


def _of_stream(message: Msg) -> _Answer | _NobodyListensError | None:
    """Return what a stream answered, or the server because no stream exists. Only these answers count."""
    if not message.data:
        nobody = (message.headers or {}).get("Status") == _NOBODY
        return _NobodyListensError() if nobody else None
    try:
        answer = _ANSWER.decode(message.data)
    except msgspec.DecodeError:
        return None
    is_told = answer.error is not None or (answer.stream is not None and answer.seq is not None)
    return answer if is_told else None
