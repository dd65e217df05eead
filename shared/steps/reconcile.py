"""Reconcile: find out what an ended job's destinations have and nobody could record any more.

A sender may die between Kafka's commit and ours, or before it counts the chunk down. While the job goes
on, the chunk's next delivery finds out; once it has ended there is none.
"""

from dataclasses import dataclass

from shared.chunks import Chunk
from shared.jobs import Destination, Job, KafkaDestination
from shared.steps.deliver import delivery_of
from shared.steps.ports import Chunks, Deliveries
from shared.steps.sending import Markers


@dataclass(frozen=True, slots=True)
class Reconcile:
    """The step with its parts."""

    chunks: Chunks
    deliveries: Deliveries
    markers: Markers

    def run(self, job: Job) -> None:
        """Record and count what has arrived; no delivery of the job may be under way."""
        if job.num_chunks is None:
            return
        begun = self.deliveries.begun(job)
        for chunk in self.chunks.undelivered(job):
            if chunk.number in begun:
                self._reconcile(job, chunk, begun[chunk.number])

    def _reconcile(self, job: Job, chunk: Chunk, having: set[str]) -> None:
        lacking = [destination for destination in job.destinations if destination.uid not in having]
        found = [destination for destination in lacking if self._has_it_after_all(job, chunk, destination)]
        if found == lacking:
            self.chunks.count_down(job, chunk)

    def _has_it_after_all(self, job: Job, chunk: Chunk, destination: Destination) -> bool:
        if not isinstance(destination, KafkaDestination) or not destination.exactly_once:
            return False
        if not self.markers.committed(delivery_of(job, chunk, destination)):
            return False
        lease = self.deliveries.take(job, chunk.number, destination.uid)
        if lease is not None:
            lease.done(chunk.rows)
        return True
