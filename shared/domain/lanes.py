"""Lanes: how many of a job's chunks are on their way at once, so that no job waits for all of another's.

Chunk ``n`` is in lane ``n mod lanes``. Of each lane one chunk is published at a time, and whoever counts it
down publishes the lane's next. Which one that is follows from the chunk's number alone: a message that is
delivered again, after a crash between the two, publishes the same one.

A job's lanes are opened by the staging function, and closed by a pause, a failure and an end. Each opening
has a number that its messages carry, so that those of an earlier opening set nothing going any more.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from shared.domain.chunks import Chunk
from shared.domain.errors import StaleMessage
from shared.domain.jobs import Job, JobStatus


def share(chunks_in_flight: int, jobs: int, asked: int | None) -> int:
    """How many lanes a job gets where ``jobs`` of its organization, itself included, share what may be in
    flight. ``asked``: the most that its client wants.
    """
    fair = max(1, chunks_in_flight // max(1, jobs))
    return fair if asked is None else min(asked, fair)


def worth_reopening(job: Job, lanes: int, chunks_left: int) -> bool:
    """Whether the job's open lanes are so far from its share now that they are worth being opened anew.

    Those that would have no chunk do not count.
    """
    has, gets = min(job.lanes, chunks_left), min(lanes, chunks_left)
    return has >= 2 * gets or gets >= 2 * has


def open_lanes(job: Job, lanes: int, *, retry: int) -> Job:
    """Begin a new opening. StaleMessage where the job wants nothing delivered."""
    if job.status is not JobStatus.TRANSPORTING or job.retry != retry:
        raise StaleMessage(f"the job is {job.status.value}, or of a later retry", detail=job.job_id)
    if job.paused:
        raise StaleMessage("the job is paused", detail=job.job_id)
    return replace(job, lanes=lanes, opening=job.opening + 1)


def goes_on(job: Job, opening: int) -> bool:
    """Whether a message of this opening publishes the next chunk of its lane."""
    return job.status is JobStatus.TRANSPORTING and job.lanes > 0 and job.opening == opening


def fronts(undelivered: Iterable[Chunk], lanes: int) -> Iterator[Chunk]:
    """The first chunk of each lane, of chunks in the order of their numbers.

    Reads no further than it must.
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
    """The numbers of the chunks behind this one in its lane."""
    return range(chunk + job.lanes, job.num_chunks or 0, job.lanes)


def not_yet_reached(undelivered: Sequence[Chunk], lanes: int) -> list[Chunk]:
    """Those that their lane has not published, since the one before them in it is not delivered either."""
    numbers = {chunk.number for chunk in undelivered}
    return [chunk for chunk in undelivered if chunk.number - lanes in numbers]
