"""Reconcile: record the chunks that an ended job's destinations have committed without a record of it.

A handler may crash between a destination's commit and ours, or before it decrements the count. In a running
job, the chunk's next delivery repairs this. An ended job has no next delivery.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from shared.domain import transitions
from shared.domain.chunks import Chunk
from shared.domain.destination import Destination
from shared.domain.errors import Busy, JobFails, RetryLater
from shared.domain.jobs import Job
from shared.steps.chunk_delivery import delivery_of
from shared.steps.records import Chunks, Deliveries, Jobs
from shared.steps.sending import Markers

_BATCH = 32  # chunks between two checks of the time


@dataclass(frozen=True, slots=True)
class Reconcile:
    """The step and its dependencies; ``markers`` maps each type of destination that keeps markers to them.

    A destination that the service does not own may never answer, because its owner may have revoked access.
    The job's teardown then ends without the answer. A later delivery, if there is one, finds out what the
    destination has.

    ``each`` applies a function to some chunks, possibly several at once. A run ends after ``time_limit``
    seconds. The next run continues where the last one stopped, however it ended.
    """

    jobs: Jobs
    chunks: Chunks
    deliveries: Deliveries
    markers: Mapping[str, Markers]
    each: Callable[[Callable[[Chunk], None], Sequence[Chunk]], object]
    time_limit: float
    monotonic: Callable[[], float]

    def run(self, job: Job) -> bool:
        """Record and count what has arrived. Return whether every destination answered.

        The job has chunks. The caller makes sure that no delivery of the job is in progress. Raises Busy if
        time runs out before all chunks are checked.
        """
        silent = set[str]()
        until = self.monotonic() + self.time_limit
        begun = self.deliveries.begun(job)
        unsettled = [
            chunk
            for chunk in self.chunks.undelivered(job)
            if chunk.number in begun and chunk.number >= job.settled
        ]
        for first in range(0, len(unsettled), _BATCH):
            batch = unsettled[first : first + _BATCH]
            try:
                self._look_up(job, batch, begun, until, silent)
            except RetryLater:
                if silent:
                    raise
                transition = partial(transitions.settle, chunk=batch[0].number, retry=job.retry)
                self.jobs.change(job.organization_id, job.job_id, transition)
                raise
        return not silent

    def _look_up(
        self,
        job: Job,
        batch: Sequence[Chunk],
        begun: Mapping[int, set[str]],
        until: float,
        silent: set[str],
    ) -> None:
        if self.monotonic() >= until:
            raise Busy("the service is still finding out which rows have arrived", detail=job.job_id)
        self.each(lambda chunk: self._reconcile(job, chunk, begun[chunk.number], silent), batch)

    def _reconcile(self, job: Job, chunk: Chunk, having: set[str], silent: set[str]) -> None:
        lacking = [destination for destination in job.destinations if destination.uid not in having]
        found = [one for one in lacking if self._has_it_after_all(job, chunk, one, silent)]
        if found == lacking:
            self.chunks.count_down(job, chunk)

    def _has_it_after_all(self, job: Job, chunk: Chunk, destination: Destination, silent: set[str]) -> bool:
        """Return whether the destination has the chunk. If it does not answer, add its uid to ``silent`` and
        do not ask it again.
        """
        if not destination.traits.marked or destination.uid in silent:
            return False
        try:
            if not self.markers[destination.type].committed(delivery_of(job, chunk, destination)):
                return False
        except (RetryLater, JobFails):
            if destination.traits.owned:
                raise
            silent.add(destination.uid)
            return False
        lease = self.deliveries.take(job, chunk.number, destination.uid)
        if lease is not None:
            lease.done(chunk.rows, None)
        return True
