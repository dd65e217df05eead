"""Pass on: publish the next chunk of a lane after a chunk of the lane is delivered.

The delivered chunk's number alone determines the next one, so this needs no read. If the process crashes
before it publishes, the redelivered message publishes the same chunk. A finished lane takes chunks from
slower lanes. That is safe, because each lane checks which of its chunks are already delivered.

A lane leaves a chunk behind if only destinations lack it that nothing is sent to for now, so that these do
not keep the rows from the others. At its end the lane returns to the first such chunk, and from there on it
waits for each.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from shared.domain import lanes
from shared.domain.chunks import Chunk
from shared.domain.jobs import Job
from shared.domain.messages import NONE_LEFT, DeliverChunk
from shared.steps.ports import Publisher
from shared.steps.records import Chunks, Deliveries

_PICKS = 3


@dataclass(frozen=True, slots=True)
class PassOn:
    """The step and its dependencies; ``choose`` picks one of several chunks at random."""

    chunks: Chunks
    deliveries: Deliveries
    publisher: Publisher
    choose: Callable[[Sequence[Chunk]], Chunk]

    def after(self, job: Job, message: DeliverChunk) -> None:
        """Publish the chunk that follows a chunk that was just counted down."""
        if not lanes.goes_on(job, message.opening):
            return
        rest = lanes.rest_of_lane(job, message.chunk)
        if not rest and message.left != NONE_LEFT:
            self._return(job, message, message.left)
            return
        following = rest[0] if rest else self._of_another_lane(job)
        if following is not None:
            # An earlier retry or another lane may have delivered it. Its message then passes on at once.
            self._publish(job, message, following)

    def leave(self, job: Job, message: DeliverChunk) -> bool:
        """Publish the lane's next chunk instead of this one, which is not delivered everywhere.

        Return False if the lane has no other chunk to deliver before it.
        """
        if message.again or not lanes.goes_on(job, message.opening):
            return False
        left = message.chunk if message.left == NONE_LEFT else message.left
        rest = lanes.rest_of_lane(job, message.chunk)
        if rest:
            self.publisher.publish(job, [replace(message, chunk=rest[0], left=left)])
        elif left != message.chunk:
            self._return(job, message, left)
        else:
            return False
        return True

    def after_all(self, job: Job, message: DeliverChunk) -> None:
        """Publish the chunk that follows a chunk that was delivered before, unless it is in delivery.

        The handler that counted the chunk down may have crashed before it published. If the next chunk is in
        delivery, its handler continues the lane, and a second message would follow it to the lane's end.
        """
        if not lanes.goes_on(job, message.opening):
            return
        following = self.chunks.first_undelivered(job, lanes.rest_of_lane(job, message.chunk))
        if following is not None and not self.deliveries.leased(job, following.number, opening=job.opening):
            self._publish(job, message, following.number)
        elif message.left != NONE_LEFT:
            self._return(job, message, message.left)

    def _of_another_lane(self, job: Job) -> int | None:
        """Return a chunk that its own lane has not reached; None if there is none or every pick is leased."""
        candidates = self._candidates(job)
        for _ in range(_PICKS if candidates else 0):
            picked = self.choose(candidates)
            if not self.deliveries.leased(job, picked.number):
                return picked.number
        return None

    def _candidates(self, job: Job) -> list[Chunk]:
        """Return chunks from the job's end, which lanes reach last. Widen the search until some are found."""
        total, span, found = job.num_chunks or 0, 2 * job.lanes, list[Chunk]()
        start = total
        while start > 0 and not found:
            start = max(0, total - span)
            found = lanes.not_yet_reached(list(self.chunks.undelivered(job, start)), job.lanes)
            span *= 4
        return found

    def _return(self, job: Job, message: DeliverChunk, left: int) -> None:
        self.publisher.publish(job, [replace(message, chunk=left, left=NONE_LEFT, again=True)])

    def _publish(self, job: Job, message: DeliverChunk, chunk: int) -> None:
        self.publisher.publish(job, [replace(message, chunk=chunk)])
