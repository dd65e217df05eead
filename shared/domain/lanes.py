"""Lanes bound how many of a job's chunks are in flight, so that no job waits for all chunks of another.

Chunk ``n`` is in lane ``n mod lanes``. One chunk of each lane is published at a time. The delivery that
counts this chunk down publishes the lane's next chunk, and the chunk's number alone determines which one
that is. If a crash comes between the two steps, the redelivered message therefore publishes the same chunk.

The staging function opens a job's lanes. A pause, a failure and the end of the job close them. Each opening
has a number, which its messages carry. Messages of an earlier opening do not publish further chunks.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from shared.domain.chunks import Chunk
from shared.domain.errors import StaleMessage
from shared.domain.jobs import Job, JobStatus


def share(chunks_in_flight: int, jobs: int, asked: int | None) -> int:
    """Return how many lanes a job gets if ``jobs`` of its organization, including itself, share
    ``chunks_in_flight``. ``asked``: the most that its client wants.
    """
    fair = max(1, chunks_in_flight // max(1, jobs))
    return fair if asked is None else min(asked, fair)


def worth_reopening(job: Job, lanes: int, chunks_left: int) -> bool:
    """Return whether the job's open lanes differ enough from its current share to open them again.

    Lanes without a chunk do not count.
    """
    has, gets = min(job.lanes, chunks_left), min(lanes, chunks_left)
    return has >= 2 * gets or gets >= 2 * has


def open_lanes(job: Job, lanes: int, *, retry: int) -> Job:
    """Begin a new opening. Raises StaleMessage if no chunk of the job may be delivered now."""
    if job.status is not JobStatus.TRANSPORTING or job.retry != retry:
        raise StaleMessage(f"the job is {job.status.value}, or of a later retry", detail=job.job_id)
    if job.paused:
        raise StaleMessage("the job is paused", detail=job.job_id)
    return replace(job, lanes=lanes, opening=job.opening + 1)


def goes_on(job: Job, opening: int) -> bool:
    """Return whether a message of this opening publishes the next chunk of its lane."""
    return job.status is JobStatus.TRANSPORTING and job.lanes > 0 and job.opening == opening


def fronts(undelivered: Iterable[Chunk], lanes: int) -> Iterator[Chunk]:
    """Yield the first chunk of each lane. ``undelivered`` is in the order of chunk numbers.

    It reads no more of ``undelivered`` than it needs.
    """
    found: set[int] = set()
    for chunk in undelivered:
        lane = chunk.number % lanes
        if lane not in found:
            found.add(lane)
            yield chunk
        if len(found) == lanes:
            return


def rest_of_lane(job: Job, chunk: int) -> range:
    """Return the numbers of the chunks that follow this one in its lane."""
    return range(chunk + job.lanes, job.num_chunks or 0, job.lanes)


def not_yet_reached(undelivered: Sequence[Chunk], lanes: int) -> list[Chunk]:
    """Return the chunks that their lanes have not published, because the chunk before them is not delivered
    yet.
    """
    numbers = {chunk.number for chunk in undelivered}
    return [chunk for chunk in undelivered if chunk.number - lanes in numbers]
