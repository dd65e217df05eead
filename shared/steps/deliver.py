"""Deliver: send one chunk's rows to every destination that lacks them.

Then decrement the job's count of chunks and publish the lane's next chunk. The step records progress for each
(chunk, destination) separately, so a failing destination never makes another one receive the chunk twice.
"""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, closing
from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.domain.chunks import Chunk
from shared.domain.destination import Destination
from shared.domain.errors import (
    AskedToWait,
    BackfillError,
    Busy,
    Deferred,
    JobFails,
    RetryLater,
    StaleMessage,
)
from shared.domain.events import ChunkDelivered, Events, RowsSkipped
from shared.domain.jobs import Job, JobStatus
from shared.domain.messages import DeliverChunk
from shared.steps.chunk_delivery import batch_rows_of, delivery_of
from shared.steps.circuits import Circuits
from shared.steps.find import find_for_message
from shared.steps.finish import Finish
from shared.steps.kept import require_known
from shared.steps.pass_on import PassOn
from shared.steps.ports import Clock, Publisher, StagedFiles
from shared.steps.records import Chunks, Deliveries, Jobs, Lease
from shared.steps.release import releasing
from shared.steps.sending import Pulse, ReadRows, Sink
from shared.steps.tally import Tally

_LONGEST_WISH = 3600.0  # seconds: the longest wait that a destination may ask for

_NOT_NOW = (Deferred, AskedToWait)

KeepAlive = Callable[[Job, Lease, float], AbstractContextManager[Pulse]]


@dataclass(frozen=True, slots=True)
class Deliver:
    """The step and its dependencies.

    ``keep_alive`` renews a lease and watches the job while the sink sends rows. Its deadline is a time of
    ``monotonic``, ``time_limit`` seconds after the message arrived. ``markers_kept``: how long destinations
    certainly keep the marker of a commit.
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
    circuits: Circuits
    time_limit: float
    markers_kept: timedelta
    now: Clock
    monotonic: Callable[[], float]
    events: Events

    def run(self, message: DeliverChunk) -> None:
        deadline = self.monotonic() + self.time_limit
        job = find_for_message(message.organization_id, message.job_id, jobs=self.jobs)
        if job.attempt is None or job.attempt.attempt_id != message.attempt_id:
            raise StaleMessage("the message belongs to another staging attempt", detail=job.job_id)
        chunk = self.chunks.get(job, message.chunk)
        if chunk is None:
            raise StaleMessage(f"the job has no chunk {message.chunk}", detail=job.job_id)
        if chunk.delivered:
            # The handler that delivered it may have crashed before it passed on or finished the job.
            self.pass_on.after_all(job, message)
            self.finish.if_all_delivered(job)
            return
        _require_wanted(job, message)
        try:
            complete = self._send_to_all(job, chunk, deadline)
        except _NOT_NOW:
            if self.pass_on.leave(job, message):
                return
            raise
        if not complete:
            self.publisher.publish(job, [message])
            return
        last = self.chunks.count_down(job, chunk)
        self.pass_on.after(job, message)
        if last:
            self.finish.if_all_delivered(job)

    def _send_to_all(self, job: Job, chunk: Chunk, deadline: float) -> bool:
        """Send to one destination after the other. A temporary failure of one does not stop the others.

        Return False if the rest of a destination's rows needs another message. Raise one of _NOT_NOW if only
        destinations lack rows that nothing is sent to for now. Destinations that failed lately come last.
        Otherwise undivided ones come first: the others continue where they stopped, so they may use up the
        handler's time at each attempt.
        """
        delayed: list[RetryLater] = []
        complete = True
        for destination in sorted(job.destinations, key=lambda one: self._rank(job, one)):
            try:
                complete = self._send(job, chunk, destination, deadline) and complete
            except RetryLater as error:
                delayed.append(error)
        tried = [error for error in delayed if not isinstance(error, _NOT_NOW)]
        if tried:
            raise tried[-1]
        if delayed and complete:
            raise delayed[-1]
        return complete

    def _rank(self, job: Job, destination: Destination) -> tuple[bool, bool]:
        suspect = self.circuits.suspect((job.job_id, destination.uid))
        return suspect, not destination.traits.undivided

    def _send(self, job: Job, chunk: Chunk, destination: Destination, deadline: float) -> bool:
        wait_until = self._wish(job, destination)
        # Busy while another handler holds the lease. An acknowledged message would lose the chunk if that
        # handler crashed.
        lease = self.deliveries.take(job, chunk.number, destination.uid)
        if lease is None:
            return True
        if wait_until is not None and wait_until > self.now():
            lease.release()
            raise Deferred(f"{destination} asked the service to wait", detail=wait_until.isoformat())
        circuit = job.job_id, destination.uid
        if not self.circuits.admits(circuit):
            lease.release()
            raise Deferred(f"{destination} failed several times just now")
        began = self.monotonic()
        try:
            require_known(job, destination, lease.began, self.now(), self.markers_kept)
            with self.keep_alive(job, lease, deadline) as pulse:
                sent, crc32c = releasing(self._stream, job, chunk, destination, lease, pulse)
        except BackfillError as error:
            self._let_go(job, destination, lease, error)
            if isinstance(error, RetryLater) and not isinstance(error, Busy):
                opened = self.circuits.failed(circuit)
                if opened and not isinstance(error, AskedToWait):
                    raise Deferred(error.message, detail=error.detail) from error
            raise
        except BaseException:
            lease.release()
            raise
        self.circuits.succeeded(circuit)
        if sent:
            lease.done(chunk.rows, crc32c)
            self._report(job, chunk, destination, lease, self.monotonic() - began)
        else:
            lease.release()
        return sent

    def _wish(self, job: Job, destination: Destination) -> datetime | None:
        """Return the time until which the destination asked the service to wait, if it did."""
        if not destination.traits.asks_to_wait:
            return None
        return self.jobs.asked_to_wait(job, destination.uid)

    def _stream(
        self, job: Job, chunk: Chunk, destination: Destination, lease: Lease, pulse: Pulse
    ) -> tuple[bool, str]:
        """Return whether the whole chunk was sent, and the checksum of its staged file."""
        delivery = delivery_of(job, chunk, destination, lease)
        with self.files.open(job.attempt_prefix + chunk.name, chunk.size) as file:
            rows = self.read_rows(file.content, job.columns, job.staged_key(destination), chunk)
            # Nothing reads ahead in the file once it is closed.
            with closing(Tally(rows, chunk)) as tally:
                sent = self.sinks[destination.type].deliver(delivery, tally, pulse)
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
            self.jobs.record_destination_error(job, destination.uid, error.message, self.now(), wait_until)


def _require_wanted(job: Job, message: DeliverChunk) -> None:
    """Raise StaleMessage if the chunk must not be delivered now, or if another message delivers it."""
    if job.status is not JobStatus.TRANSPORTING:
        raise StaleMessage(f"the job is {job.status.value}", detail=job.job_id)
    if job.paused:
        raise StaleMessage("the job is paused", detail=job.job_id)
    if message.opening != job.opening:
        raise StaleMessage("the message belongs to an earlier opening of the job's lanes", detail=job.job_id)
