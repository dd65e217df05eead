"""Deliver: send one chunk's rows to every destination that lacks them, then count the chunk down and pass on.

What is done is recorded for each (chunk, destination) as it happens, so one failing destination never
makes another receive the chunk twice.
"""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.domain.chunks import Chunk
from shared.domain.destination import Destination
from shared.domain.errors import AskedToWait, BackfillError, Busy, JobFails, RetryLater, StaleMessage
from shared.domain.events import ChunkDelivered, Events, RowsSkipped
from shared.domain.jobs import Job, JobStatus
from shared.domain.messages import DeliverChunk
from shared.domain.oversized import NONE_SKIPPED
from shared.domain.pieces import NOT_SPLIT
from shared.steps.find import find_for_message
from shared.steps.finish import Finish
from shared.steps.pass_on import PassOn
from shared.steps.ports import Chunks, Clock, Deliveries, Jobs, Lease, Publisher, StagedFiles
from shared.steps.sending import ChunkDelivery, Pulse, ReadRows, Sink
from shared.steps.tally import Tally

_LONGEST_WISH = 3600.0  # seconds for which a destination is left alone at its word

KeepAlive = Callable[[Job, Lease, float], AbstractContextManager[Pulse]]


def batch_rows_of(job: Job, destination: Destination) -> int:
    """Rows of a batch: the destination's own number, or the one that was fixed for the job."""
    return destination.traits.batch_rows or job.webhook_batch_rows


def delivery_of(
    job: Job,
    chunk: Chunk,
    destination: Destination,
    lease: Lease | None = None,
) -> ChunkDelivery:
    """A chunk of the job's current attempt on its way, from where the ``lease``'s record left it."""
    return ChunkDelivery(
        job.organization_id,
        job.job_id,
        job.require_attempt().attempt_id,
        chunk.number,
        chunk.rows,
        destination,
        batch_rows_of(job, destination),
        lease.first_batch if lease else 0,
        job.skips_oversized,
        lease.skipped if lease else NONE_SKIPPED,
        lease.splits if lease else NOT_SPLIT,
        job.attempt_prefix + chunk.name,
        [column.name for column in job.columns if not column.hidden],
        not any(column.hidden for column in job.columns),
    )


@dataclass(frozen=True, slots=True)
class Deliver:
    """The step with its parts.

    ``keep_alive`` renews a lease and watches the job while rows are sent, until a moment of ``monotonic``,
    which is ``time_limit`` seconds after the message came in.
    """

    jobs: Jobs
    chunks: Chunks
    deliveries: Deliveries
    files: StagedFiles
    read_rows: ReadRows
    sinks: Mapping[str, Sink]
    publisher: Publisher
    finish: Finish
    pass_on: PassOn
    keep_alive: KeepAlive
    time_limit: float
    now: Clock
    monotonic: Callable[[], float]
    events: Events

    def run(self, message: DeliverChunk) -> None:
        deadline = self.monotonic() + self.time_limit
        job = find_for_message(message.organization_id, message.job_id, jobs=self.jobs)
        if job.attempt is None or job.attempt.attempt_id != message.attempt_id:
            raise StaleMessage("the message is of another staging attempt", detail=job.job_id)
        chunk = self.chunks.get(job, message.chunk)
        if chunk is None:
            raise StaleMessage(f"the job has no chunk {message.chunk}", detail=job.job_id)
        if chunk.delivered:
            # Perhaps whoever delivered it died before passing on, or before finishing the job.
            self.pass_on.after_all(job, message)
            self.finish.if_all_delivered(job)
            return
        _require_wanted(job, message)
        if not self._send_to_all(job, chunk, deadline):
            self.publisher.publish(job, [message])
            return
        last = self.chunks.count_down(job, chunk)
        self.pass_on.after(job, message)
        if last:
            self.finish.if_all_delivered(job)

    def _send_to_all(self, job: Job, chunk: Chunk, deadline: float) -> bool:
        """Send to one destination after the other; one that fails for now does not keep the rows from the
        next. False when a destination's rest goes in a message of its own.

        Those that need their time in one piece come first: the others may take all of the handler's time,
        each time anew, and go on where they were left.
        """
        delayed: RetryLater | None = None
        complete = True
        for destination in sorted(job.destinations, key=lambda one: not one.traits.undivided):
            try:
                complete = self._send(job, chunk, destination, deadline) and complete
            except RetryLater as error:
                delayed = error
        if delayed is not None:
            raise delayed
        return complete

    def _send(self, job: Job, chunk: Chunk, destination: Destination, deadline: float) -> bool:
        wait_until = self._wish(job, destination)
        # Busy while somebody else holds it: acknowledging their message would lose the chunk if they die.
        lease = self.deliveries.take(job, chunk.number, destination.uid)
        if lease is None:
            return True
        if wait_until is not None and wait_until > self.now():
            lease.release()
            raise RetryLater(f"{destination} asked to be left alone", detail=wait_until.isoformat())
        began = self.monotonic()
        try:
            with self.keep_alive(job, lease, deadline) as pulse:
                sent, crc32c = self._stream(job, chunk, destination, lease, pulse)
        except BackfillError as error:
            self._let_go(job, destination, lease, error)
            raise
        except BaseException:
            lease.release()
            raise
        if sent:
            lease.done(chunk.rows, crc32c)
            self._report(job, chunk, destination, lease, self.monotonic() - began)
        else:
            lease.release()
        return sent

    def _wish(self, job: Job, destination: Destination) -> datetime | None:
        """Until when the destination asked to be left alone."""
        if not destination.traits.asks_to_wait:
            return None
        return self.jobs.asked_to_wait(job, destination.uid)

    def _stream(
        self, job: Job, chunk: Chunk, destination: Destination, lease: Lease, pulse: Pulse
    ) -> tuple[bool, str]:
        """Whether all of it was sent, and the checksum of what it was sent from."""
        delivery = delivery_of(job, chunk, destination, lease)
        with self.files.open(job.attempt_prefix + chunk.name, chunk.size) as file:
            rows = self.read_rows(file.content, job.columns, job.staged_key(destination), chunk)
            sent = self.sinks[destination.type].deliver(delivery, Tally(rows, chunk), pulse)
            return sent, file.crc32c

    def _report(self, job: Job, chunk: Chunk, destination: Destination, lease: Lease, seconds: float) -> None:
        rows = chunk.rows - min(chunk.rows, lease.first_batch * batch_rows_of(job, destination))
        self.events(
            ChunkDelivered(
                organization_id=job.organization_id,
                job_id=job.job_id,
                chunk=chunk.number,
                destination_type=destination.type,
                destination=destination.name,
                rows=rows,
                seconds=seconds,
                rows_per_second=rows / seconds if seconds > 0 else 0.0,
            )
        )
        if lease.skipped.rows:
            self.events(
                RowsSkipped(
                    organization_id=job.organization_id,
                    job_id=job.job_id,
                    chunk=chunk.number,
                    destination_type=destination.type,
                    destination=destination.name,
                    rows=lease.skipped.rows,
                    largest=max(row.size for row in lease.skipped.named),
                )
            )

    def _let_go(self, job: Job, destination: Destination, lease: Lease, error: BackfillError) -> None:
        lease.release()
        if isinstance(error, RetryLater | JobFails) and not isinstance(error, Busy):
            wait_until = None
            if isinstance(error, AskedToWait):
                wait_until = self.now() + timedelta(seconds=min(error.seconds, _LONGEST_WISH))
            self.jobs.record_destination_error(job, destination.uid, error.message, wait_until)


def _require_wanted(job: Job, message: DeliverChunk) -> None:
    """StaleMessage where nobody waits for the chunk, or another message brings it."""
    if job.status is not JobStatus.TRANSPORTING:
        raise StaleMessage(f"the job is {job.status.value}", detail=job.job_id)
    if job.paused:
        raise StaleMessage("the job is paused", detail=job.job_id)
    if message.opening != job.opening:
        raise StaleMessage("the message is of an earlier opening of the job's lanes", detail=job.job_id)
