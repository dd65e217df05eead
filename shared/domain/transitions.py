"""The transitions between a job's states.

``staging → transporting → completed``. Either of the first two may also lead to ``failed`` or ``cancelled``.
A retry leads from ``failed`` back to the state that the job failed in.

Every function here is pure: a transition returns a new job. Adapters store it by compare-and-set.
"""

from dataclasses import replace
from datetime import datetime, timedelta

from shared.domain.columns import Column
from shared.domain.errors import Busy, StaleMessage, StateConflict
from shared.domain.jobs import Attempt, Job, JobStatus


def confirm(job: Job) -> Job:
    """Record that the job's stage message is published."""
    return replace(job, confirmed=True)


def claim(
    job: Job, attempt: Attempt, previous: Attempt | None, columns: tuple[Column, ...], key_column: str | None
) -> Job:
    """Begin a staging attempt in place of ``previous``, with the column mapping that all its chunks follow.

    Claiming twice changes nothing. Raises Busy if another attempt was claimed first, and StaleMessage if the
    job is past staging.
    """
    _require(job, JobStatus.STAGING)
    if job.attempt == attempt:
        return job
    if job.attempt != previous:
        raise Busy("another staging attempt has just begun", detail=job.job_id)
    return replace(
        job,
        attempt=attempt,
        attempts=job.attempts + 1,
        columns=columns,
        key_column=key_column,
    )


def record_query(job: Job, attempt_id: str, query_id: str) -> Job:
    """Record the attempt's query, even if the job has ended: the teardown needs the id to abort the query.

    The teardown may already have run without that id, if the function that submitted the query stalled for
    longer than a claim lives. This call then requests another teardown, which removes what the query writes.
    Raises StaleMessage if another attempt has begun.
    """
    attempt = _require_attempt(job, attempt_id)
    if attempt.query_id == query_id:
        return job
    return replace(job, attempt=replace(attempt, query_id=query_id), torn_down=False)


def give_up(job: Job, attempt_id: str) -> Job:
    """Forget a paused job's attempt, whose unload has failed. The next attempt begins after the resume.

    A job that is not paused, or has another attempt, stays as it is.
    """
    if not job.paused or job.status is not JobStatus.STAGING:
        return job
    if job.attempt is None or job.attempt.attempt_id != attempt_id:
        return job
    return replace(job, attempt=None)


def staged(
    job: Job, attempt_id: str, *, chunks: int, rows: int, size: int, shards: int, now: datetime
) -> Job:
    """Move on after a complete manifest: to transporting, or to completed if there is nothing to deliver.

    ``size``: the bytes of all files. A job that the same attempt has already staged stays as it is.
    """
    _require_attempt(job, attempt_id)
    if job.num_chunks is not None:
        return job
    _require(job, JobStatus.STAGING)
    moved = replace(
        job,
        status=JobStatus.TRANSPORTING,
        num_chunks=chunks,
        num_rows=rows,
        num_bytes=size,
        shards=shards,
    )
    return complete(moved, now) if chunks == 0 else moved


def complete(job: Job, now: datetime) -> Job:
    """Complete the job once every chunk is delivered. A job that has ended keeps its terminal status."""
    if job.status.is_terminal:
        return job
    _require(job, JobStatus.TRANSPORTING)
    return _ended(job, JobStatus.COMPLETED, now)


def fail(job: Job, message: str, now: datetime, *, retry: int) -> Job:
    """End the job with a reason that its client can act on.

    A job that has ended, or that was retried after ``retry``, stays as it is.
    """
    if job.status.is_terminal or job.retry != retry:
        return job
    return replace(_ended(job, JobStatus.FAILED, now), error_message=message)


def cancel(job: Job, now: datetime) -> Job:
    """End the job at its client's request.

    A cancelled job stays as it is. Raises StateConflict if the job ended otherwise.
    """
    if job.status is JobStatus.CANCELLED:
        return job
    if job.status.is_terminal:
        raise StateConflict(f"The job is {job.status.value} and can no longer be cancelled")
    return _ended(job, JobStatus.CANCELLED, now)


def pause(job: Job, now: datetime) -> Job:
    """Close the job's lanes until it is resumed. A paused job stays as it is.

    Raises StateConflict if the job has ended.
    """
    _require_going_on(job, "paused")
    return job if job.paused else replace(job, time_paused=now, lanes=0, reconciled=False)


def resume(job: Job, now: datetime) -> Job:
    """Resume a paused job. A job that is not paused stays as it is.

    Raises StateConflict if the job has ended.
    """
    _require_going_on(job, "resumed")
    if job.time_paused is None:
        return job
    paused = job.seconds_paused + (now - job.time_paused).total_seconds()
    return replace(
        job,
        time_paused=None,
        time_resumed=now,
        seconds_paused=paused,
        resumes=job.resumes + (job.status is JobStatus.STAGING),
        reconciled=False,
        unreconciled_since=_unreconciled_since(job),
    )


def reconcile_pause(job: Job, since: datetime) -> Job:
    """Record that everything Kafka has of the job is known, for the pause that began at ``since``."""
    return replace(job, reconciled=True) if job.time_paused == since else job


def retry(job: Job, now: datetime, *, after: int) -> Job:
    """Continue a failed job from the state that it failed in, as the retry that follows number ``after``.

    Repeating the call changes nothing. Raises StateConflict if the job has not failed.
    """
    if job.retry != after:
        return job
    if job.status is not JobStatus.FAILED:
        raise StateConflict(f"The job is {job.status.value}; only a failed job can be retried")
    if job.records_removed:
        raise StateConflict("The job is failed, and its records are no longer kept: create a new backfill")
    return replace(
        job,
        status=JobStatus.STAGING if job.num_chunks is None else JobStatus.TRANSPORTING,
        retry=after + 1,
        time_retried=now,
        attempts=0,
        error_message=None,
        time_completed=None,
        time_nudged=None,
        nudged_left=None,
        torn_down=False,
        reconciled=False,
        settled=0,
        unreconciled_since=_unreconciled_since(job),
        records_until=None,
        seconds_paused=0.0,
    )


def nudge(job: Job, now: datetime, chunks_left: int | None) -> Job:
    """Record that the sweep checked the job and saw ``chunks_left``."""
    return replace(job, time_nudged=now, nudged_left=chunks_left)


def settle(job: Job, chunk: int, *, retry: int) -> Job:
    """Record that everything Kafka has of the ended job's chunks below ``chunk`` is known."""
    if not job.status.is_terminal or job.retry != retry:
        return job
    return replace(job, settled=max(job.settled, chunk))


def tear_down(job: Job, *, retry: int, reconciled: bool, records_kept: timedelta) -> Job:
    """Record that the remains of the ended job are removed.

    A job that was retried after ``retry``, or that has not ended, stays as it is.
    ``records_kept``: how long the records of the job's chunks are kept after its end.
    """
    if not job.status.is_terminal or job.retry != retry:
        return job
    until = None if job.records_removed else (job.time_completed or job.time_begun) + records_kept
    return replace(job, torn_down=True, reconciled=reconciled, records_until=until)


def expire(job: Job, now: datetime) -> Job:
    """Begin the removal of the records of its chunks; the job can't be retried any more.

    StaleMessage if they are to be kept still, or again.
    """
    if not job.status.is_terminal or job.records_until is None or job.records_until > now:
        raise StaleMessage("the job's records are to be kept", detail=job.job_id)
    return replace(job, records_removed=True)


def forget(job: Job) -> Job:
    """The last record of its chunks is removed."""
    return replace(job, records_until=None)


def _ended(job: Job, status: JobStatus, now: datetime) -> Job:
    # No delivery starts after a pause, so what was found out in it stays true. The teardown looks again.
    known = job.paused and job.reconciled
    return replace(job, status=status, time_completed=now, lanes=0, time_paused=None, reconciled=known)


def _unreconciled_since(job: Job) -> datetime | None:
    """Return the time for a stopped job that goes on. Without chunks, nothing was ever delivered."""
    return None if job.reconciled or job.num_chunks is None else job.unknown_since


def _require_going_on(job: Job, done: str) -> None:
    if job.status.is_terminal:
        raise StateConflict(f"The job is {job.status.value} and can no longer be {done}")


def _require(job: Job, status: JobStatus) -> None:
    if job.status is not status:
        raise StaleMessage(f"the job is {job.status.value}, not {status.value}", detail=job.job_id)


def _require_attempt(job: Job, attempt_id: str) -> Attempt:
    if job.attempt is None or job.attempt.attempt_id != attempt_id:
        raise StaleMessage("another staging attempt has begun", detail=job.job_id)
    return job.attempt
