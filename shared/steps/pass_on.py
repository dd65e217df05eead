"""Pass on: publish the next chunk of a lane once its last one is delivered.

The next one follows from the delivered chunk's number, so that nothing is read for it and a crash before its
publishing is mended by the message that comes again. A lane at its end takes chunks from lanes that lag
behind: these lose nothing by it, since each finds out what of it is delivered.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from shared.domain import lanes
from shared.domain.chunks import Chunk
from shared.domain.jobs import Job
from shared.domain.messages import DeliverChunk
from shared.steps.ports import Chunks, Deliveries, Publisher

_PICKS = 3


@dataclass(frozen=True, slots=True)
class PassOn:
    """The step with its parts; ``choose`` picks one of several chunks at random."""

    chunks: Chunks
    deliveries: Deliveries
    publisher: Publisher
    choose: Callable[[Sequence[Chunk]], Chunk]

    def after(self, job: Job, message: DeliverChunk) -> None:
        """Publish what follows a chunk that has just been counted down."""
        if not lanes.goes_on(job, message.opening):
            return
        rest = lanes.rest_of_lane(job, message.chunk)
        following = rest[0] if rest else self._of_another_lane(job)
        if following is not None:
            # Perhaps it is delivered, of an earlier retry or by another lane: its message then goes on.
            self._publish(job, message, following)

    def after_all(self, job: Job, message: DeliverChunk) -> None:
        """Publish what follows a chunk that was delivered before, unless that is under way.

        Whoever counted it down may have died before publishing. If the next chunk is being delivered, its
        sender goes on with the lane: one message more would follow it to the lane's end.
        """
        if not lanes.goes_on(job, message.opening):
            return
        following = self.chunks.first_undelivered(job, lanes.rest_of_lane(job, message.chunk))
        if following is None or self.deliveries.leased(job, following.number, opening=job.opening):
            return
        self._publish(job, message, following.number)

    def _of_another_lane(self, job: Job) -> int | None:
        """A chunk that its own lane has not come to. None where there is none, or others take them."""
        candidates = self._candidates(job)
        for _ in range(_PICKS if candidates else 0):
            picked = self.choose(candidates)
            if not self.deliveries.leased(job, picked.number):
                return picked.number
        return None

    def _candidates(self, job: Job) -> list[Chunk]:
        """From the job's end, which no lane reaches soon, and from further ahead until there are some."""
        total, span, found = job.num_chunks or 0, 2 * job.lanes, list[Chunk]()
        start = total
        while start > 0 and not found:
            start = max(0, total - span)
            found = lanes.not_yet_reached(list(self.chunks.undelivered(job, start)), job.lanes)
            span *= 4
        return found

    def _publish(self, job: Job, message: DeliverChunk, chunk: int) -> None:
        self.publisher.publish(job, [replace(message, chunk=chunk)])
