"""Reconcile: find out what an ended job's destinations have and nobody could record any more.

A sender may die between a destination's commit and ours, or before it counts the chunk down. While the job
goes on, the chunk's next delivery finds out; once it has ended there is none.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from shared.domain import jobs as domain
from shared.domain.chunks import Chunk
from shared.domain.destination import Destination
from shared.domain.errors import Busy, JobFails, RetryLater
from shared.domain.jobs import Job
from shared.steps.deliver import delivery_of
from shared.steps.ports import Chunks, Deliveries, Jobs
from shared.steps.sending import Markers

_BATCH = 32  # chunks between two looks at the time


@dataclass(frozen=True, slots=True)
class Reconcile:
    """The step with its parts; ``markers`` by the type of destination that keeps them.

    A destination that is not the service's own may never tell: its owner may have shut the service out. The
    job is then at rest without its word, and what it has is found out by a delivery, if another comes.

    ``each`` has some chunks looked up, several at once where that is well. A run ends after ``time_limit``
    seconds; the next one goes on where the last one, however it ended, was.
    """

    jobs: Jobs
    chunks: Chunks
    deliveries: Deliveries
    markers: Mapping[str, Markers]
    each: Callable[[Callable[[Chunk], None], Sequence[Chunk]], object]
    time_limit: float
    monotonic: Callable[[], float]

    def run(self, job: Job) -> bool:
        """Record and count what has arrived, and answer whether every destination told; no delivery of the
        job may be under way. Busy when there are more chunks than there is time.
        """
        silent = set[str]()
        if job.num_chunks is None:
            return True
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
                transition = partial(domain.settle, chunk=batch[0].number, retry=job.retry)
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
            raise Busy("what has arrived of the job is still being found out", detail=job.job_id)
        self.each(lambda chunk: self._reconcile(job, chunk, begun[chunk.number], silent), batch)

    def _reconcile(self, job: Job, chunk: Chunk, having: set[str], silent: set[str]) -> None:
        lacking = [destination for destination in job.destinations if destination.uid not in having]
        found = [one for one in lacking if self._has_it_after_all(job, chunk, one, silent)]
        if found == lacking:
            self.chunks.count_down(job, chunk)

    def _has_it_after_all(self, job: Job, chunk: Chunk, destination: Destination, silent: set[str]) -> bool:
        """``silent`` gets the uid of a destination that does not tell, which is not asked again."""
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
