"""The webhook sink: a chunk's rows as signed JSON arrays, one POST per batch, or several POSTs if the
receiver refuses a batch as too large.

Several requests are in flight at once, so they may arrive out of order. Their ids end in the batch's number,
which preserves the order. Several threads sign while another one encodes or waits for a response.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from shared.destinations.surroundings import Secrets
from shared.destinations.webhook.answer import accepts, retry_after, shown
from shared.destinations.webhook.compression import compressed
from shared.destinations.webhook.connections import Answer, Connections
from shared.destinations.webhook.flight import Flight, Parcel
from shared.destinations.webhook.headers import added_headers
from shared.destinations.webhook.progress import Progress
from shared.destinations.webhook.request import headers_of, request_id
from shared.domain.errors import AskedToWait, DestinationRefused, RetryLater, Unavailable
from shared.domain.oversized import SizeLimit, Skipped
from shared.steps.ports import Clock
from shared.steps.sending import ChunkDelivery, Pulse, Rows


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookLimits:
    """Times in seconds.

    ``least``: a delivery that would begin with less of the handler's time left goes into a separate message.
    Half of the handler's time works well. ``request``: the limit for one request as a whole. ``in_flight``:
    the batches of one delivery in flight at once, each held in memory, unless the destination sets a number.
    ``bytes_in_flight``: the size of their rows as JSON, exceeded by at most one batch. ``batch_bytes``: a
    batch with more fails the job, before it is read as a whole. ``tries``: the attempts for one batch within
    one delivery; Pub/Sub's redeliveries come on top. ``first_pause``, ``longest_pause``: the pauses between
    attempts, doubling, with full jitter. ``longest_wish``: if a receiver asks for a longer wait, the function
    ends and a redelivery waits. ``checkpoint``: between two records of progress. A record is a write to one
    document, and Firestore allows about one a second. After a crash, unrecorded batches are sent again with
    the same `webhook-id`. ``reserve``: the part of the handler's time below which the rest goes into a
    separate message; a quarter of the time at the beginning, if less.
    """

    least: float
    request: float = 30.0
    in_flight: int = 4
    bytes_in_flight: int = 64 * 1024 * 1024
    batch_bytes: int = 64 * 1024 * 1024
    tries: int = 4
    first_pause: float = 0.5
    longest_pause: float = 8.0
    longest_wish: float = 30.0
    checkpoint: float = 1.0
    reserve: float = 35.0


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookSink:
    """Implements Sink. ``nonce`` returns a new UUID4, ``random`` a number from 0 to 1."""

    connections: Connections
    secrets: Secrets
    now: Clock
    monotonic: Callable[[], float]
    sleep: Callable[[float], None]
    nonce: Callable[[], str]
    random: Callable[[], float]
    limits: WebhookLimits

    def deliver(self, delivery: ChunkDelivery, rows: Rows, pulse: Pulse) -> bool:
        """Post the unacknowledged batches.

        Return False if the handler's time runs out, or if an earlier destination left too little of it.
        """
        seconds_left = pulse.seconds_left()
        if seconds_left < self.limits.least:
            return False
        errand = _Errand(delivery, pulse, min(self.limits.reserve, seconds_left / 4))
        progress = Progress(
            delivery,
            pulse,
            self.monotonic,
            interval=self.limits.checkpoint,
            most_bytes=self.limits.batch_bytes,
        )
        try:
            complete = self._send_all(errand, rows, progress)
        except BaseException:
            progress.record_if_possible()
            raise
        if not complete or progress.skipped != delivery.skipped:
            progress.record()
        return complete

    def _send_all(self, errand: "_Errand", rows: Rows, progress: Progress) -> bool:
        """Send all batches. Return False if time ran out after some batches, which are acknowledged."""

        def refused(parcel: Parcel, answer: Answer) -> Iterable[Parcel]:
            if parcel.rows.rows == 1:
                progress.leave_out(parcel, errand.too_large(parcel, answer))
                return ()
            return progress.split(parcel)

        parcels = progress.parcels(rows)
        with Flight(
            errand.options.get("max_parallel_requests") or self.limits.in_flight,
            self.limits.bytes_in_flight,
            lambda parcel: self._post(errand, parcel, flight),
            progress.acknowledge,
            refused,
        ) as flight:
            while True:
                flight.make_room()
                parcel = next(parcels, None)
                complete = parcel is None
                if parcel is None or (flight.begun and errand.seconds_left() <= 0):
                    flight.land()
                    return complete
                flight.send(parcel)

    def _post(self, errand: "_Errand", parcel: Parcel, flight: Flight) -> Answer | None:
        """Send the parcel until the receiver accepts it, as long as no other parcel fails.

        Return the receiver's refusal of its size, if any.
        """
        body = parcel.rows.json_array()
        sent = compressed(body, errand.options.get("compression"))
        attempt = 0
        while not flight.given_up:
            attempt += 1
            errand.pulse.check()
            failure: RetryLater
            try:
                answer = self._try(errand, parcel, body, sent)
            except Unavailable as error:
                pause, failure = self._jitter(attempt), errand.without_answer(error)
            else:
                if answer.status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
                    return answer
                if accepts(answer, errand.name):
                    return None
                asked = retry_after(answer, self.now())
                pause, failure = (
                    self._jitter(attempt) if asked is None else asked,
                    errand.with_(answer, asked),
                )
            longest = min(self.limits.longest_wish, errand.seconds_left())
            if attempt == self.limits.tries or pause > longest:
                raise failure
            self._pause(pause, errand.pulse, flight)
        return None

    def _try(self, errand: "_Errand", parcel: Parcel, body: bytes, sent: bytes) -> Answer:
        seconds = min(self.limits.request, errand.pulse.seconds_left())
        if seconds <= 0:
            # The function was suspended for too long. The message's next delivery sends the rest.
            raise RetryLater("the time for this delivery was over before all rows were sent")
        headers = added_headers(errand.delivery, self.secrets) | headers_of(
            body,
            identifier=request_id(errand.delivery, parcel),
            timestamp=int(self.now().timestamp()),
            nonce=self.nonce(),
            secret=self._secret(errand.delivery.organization_id, errand.options.get("hash_key")),
        )
        if how := errand.options.get("compression"):
            headers["Content-Encoding"] = how
        headers["Content-Length"] = str(len(sent))
        return self.connections.post(errand.options["url"], sent, headers, seconds)

    def _secret(self, organization_id: str, name: str | None) -> bytes | None:
        """Look up the secret for every attempt, so that a rotated secret signs the next one."""
        if name is None:
            return None
        try:
            return self.secrets(organization_id, name)
        except KeyError as error:
            raise DestinationRefused(f"Your organization has no secret named {name}") from error

    def _jitter(self, attempt: int) -> float:
        return self.random() * min(self.limits.longest_pause, self.limits.first_pause * 2.0 ** (attempt - 1))

    def _pause(self, seconds: float, pulse: Pulse, flight: Flight) -> None:
        until = self.monotonic() + seconds
        while (left := until - self.monotonic()) > 0 and not flight.given_up:
            pulse.check()
            self.sleep(min(left, 0.5))


@dataclass(frozen=True, slots=True)
class _Errand:
    """One delivery; ``reserve`` is a part of the handler's time, in seconds."""

    delivery: ChunkDelivery
    pulse: Pulse
    reserve: float

    @property
    def name(self) -> str:
        return self.delivery.destination.name

    @property
    def options(self) -> Mapping[str, Any]:
        return self.delivery.destination.options

    def seconds_left(self) -> float:
        return self.pulse.seconds_left() - self.reserve

    def with_(self, answer: Answer, asked: float | None) -> RetryLater:
        receiver = f"the receiver of webhook {self.name}, which answered {answer.status}"
        if asked is None:
            return Unavailable(f"{receiver},", detail=shown(answer))
        wish = f"{receiver} and asks to wait {asked:.0f} s,"
        return AskedToWait(wish, seconds=asked, detail=shown(answer))

    def too_large(self, parcel: Parcel, answer: Answer) -> Skipped:
        """Return the parcel's one row as skipped. Raises RowTooLarge unless the job skips oversized rows."""
        keys = parcel.rows.keys()
        limit = SizeLimit(
            None,
            f"the receiver of webhook {self.name}, which answered {answer.status},",
            "Have it accept larger requests",
        )
        return self.delivery.too_large(
            parcel.rows.first_row,
            keys[0] if keys else None,
            parcel.rows.size,
            limit,
            detail=shown(answer),
        )

    def without_answer(self, error: Unavailable) -> RetryLater:
        return Unavailable(f"{error.dependency} of webhook {self.name}", detail=error.detail)
