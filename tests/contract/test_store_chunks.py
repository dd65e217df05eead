"""The guarantees of chunk records and their count, tested with Firestore and the fake."""

import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest

from shared.domain import transitions
from shared.domain.chunks import Chunk, number_files
from shared.domain.errors import StaleMessage, Unavailable
from shared.domain.jobs import Counts, Job, JobStatus
from tests.contract.records import Records, manifest
from tests.fakes.examples import COLUMNS, CREATED, new_attempt, staged_files

# How long a machine that is busy with other work may take for what should take a second.
PATIENCE = 120.0


def numbers(records: Records, job: Job) -> list[int]:
    return [chunk.number for chunk in records.chunks.undelivered(job)]


def test_a_chunk_is_read_as_it_was_recorded(records: Records) -> None:
    job, chunks = records.transporting()
    assert records.chunks.get(job, 1) == chunks[1]
    assert records.chunks.get(job, 3) is None


def test_before_the_manifest_nothing_is_counted(records: Records) -> None:
    job = records.claimed()
    records.chunks.record(job, number_files(staged_files(3)))
    assert records.jobs.counts(job) is None


def test_the_manifests_commit_sets_state_and_counts_at_once(records: Records) -> None:
    job, chunks = records.transporting(chunks=3)
    assert job.status is JobStatus.TRANSPORTING
    assert (job.num_chunks, job.num_rows) == (3, 15)
    assert records.jobs.counts(job) == Counts(3, 15)
    assert list(records.chunks.undelivered(job)) == chunks


def test_a_manifest_of_nothing_completes_the_job(records: Records) -> None:
    job, _ = records.transporting(chunks=0)
    assert job.status is JobStatus.COMPLETED
    assert records.jobs.counts(job) == Counts(0, 0)


def test_more_chunks_than_a_commit_takes_are_recorded_and_found(records: Records) -> None:
    job, chunks = records.transporting(chunks=1201)
    assert list(records.chunks.undelivered(job)) == chunks
    assert records.jobs.counts(job) == Counts(1201, 1201 * 5)


def test_undelivered_chunks_are_found_from_a_number_on(records: Records) -> None:
    job, chunks = records.transporting(chunks=6)
    records.chunks.count_down(job, chunks[4])
    assert [chunk.number for chunk in records.chunks.undelivered(job, 3)] == [3, 5]
    assert list(records.chunks.undelivered(job, 6)) == []


def test_of_some_chunks_the_first_undelivered_one_is_found(records: Records) -> None:
    job, chunks = records.transporting(chunks=90)
    for number in range(0, 80, 2):
        records.chunks.count_down(job, chunks[number])
    assert records.chunks.first_undelivered(job, range(0, 90, 2)) == chunks[80]
    assert records.chunks.first_undelivered(job, range(3, 90, 2)) == chunks[3]
    assert records.chunks.first_undelivered(job, range(0, 80, 4)) is None
    assert records.chunks.first_undelivered(job, range(90, 100)) is None
    assert records.chunks.first_undelivered(job, range(0)) is None


def test_recording_again_leaves_delivered_chunks_delivered(records: Records) -> None:
    """Staging is redelivered after it recorded a part, and a faster run already delivered some."""
    job = records.claimed()
    chunks = number_files(staged_files(600))
    assert list(records.chunks.record(job, chunks[:550])) == chunks[:550]
    job = records.chunks.commit(job, manifest(job, chunks), chunks)
    records.chunks.count_down(job, chunks[7])
    recorded = records.chunks.record(job, chunks)
    assert [chunk.number for chunk in recorded if chunk.delivered] == [7]
    found = records.chunks.get(job, 7)
    assert found is not None
    assert found.delivered
    assert numbers(records, job) == [number for number in range(600) if number != 7]


def test_committing_again_changes_no_count(records: Records) -> None:
    job, chunks = records.transporting()
    records.chunks.count_down(job, chunks[0])
    again = records.chunks.commit(job, manifest(job, chunks), chunks)
    assert again == job
    assert records.jobs.counts(job) == Counts(2, 10)


def test_a_manifest_counts_only_what_is_not_delivered(records: Records) -> None:
    """A restore may have put back the job, but not the records that were created since."""
    staging = records.claimed()
    chunks = number_files(staged_files(3))
    records.chunks.record(staging, chunks)
    job = records.chunks.commit(staging, manifest(staging, chunks), chunks)
    records.chunks.count_down(job, chunks[1])
    records.change(job, lambda _job: staging)
    recorded = records.chunks.record(staging, chunks)
    assert [chunk.delivered for chunk in recorded] == [False, True, False]
    job = records.chunks.commit(staging, manifest(staging, recorded), recorded)
    assert (job.num_chunks, job.num_rows) == (3, 15)
    assert records.jobs.counts(job) == Counts(2, 10)
    assert not records.chunks.count_down(job, chunks[1])
    assert [records.chunks.count_down(job, chunks[number]) for number in (0, 2)] == [False, True]


def test_a_manifest_that_comes_after_the_cancel_is_refused(records: Records) -> None:
    job, chunks = records.claimed(), number_files(staged_files(3))

    def cancelled_meanwhile(current: Job) -> Job:
        records.change(job, partial(transitions.cancel, now=CREATED))
        return manifest(job, chunks)(current)

    with pytest.raises(StaleMessage):
        records.chunks.commit(job, cancelled_meanwhile, chunks)
    assert records.now(job).status is JobStatus.CANCELLED
    assert records.jobs.counts(records.now(job)) is None


def test_of_a_manifest_and_a_cancel_at_once_the_job_is_cancelled_with_honest_counts(records: Records) -> None:
    job, chunks = records.claimed(), number_files(staged_files(3))

    def commit() -> None:
        try:
            records.chunks.commit(job, manifest(job, chunks), chunks)
        except StaleMessage:
            return

    with ThreadPoolExecutor(2) as pool:
        committed = pool.submit(commit)
        cancelled = pool.submit(records.change, job, partial(transitions.cancel, now=CREATED))
    committed.result()
    assert cancelled.result().status is JobStatus.CANCELLED
    now = records.now(job)
    assert now.status is JobStatus.CANCELLED
    assert records.jobs.counts(now) == (None if now.num_chunks is None else Counts(3, 15))


def test_a_manifest_of_another_attempt_is_refused(records: Records) -> None:
    job, chunks = records.claimed(), number_files(staged_files(3))
    attempt = new_attempt()
    records.change(
        job,
        partial(transitions.claim, attempt=attempt, previous=job.attempt, columns=COLUMNS, key_column=None),
    )
    with pytest.raises(StaleMessage):
        records.chunks.commit(job, manifest(job, chunks), chunks)


def test_chunks_of_another_attempt_are_not_seen(records: Records) -> None:
    job = records.claimed()
    records.chunks.record(job, number_files(staged_files(3)))
    transition = partial(
        transitions.claim, attempt=new_attempt(), previous=job.attempt, columns=COLUMNS, key_column=None
    )
    job = records.change(job, transition)
    assert numbers(records, job) == []
    assert records.chunks.get(job, 0) is None


def test_each_chunk_counts_once_and_the_last_one_says_so(records: Records) -> None:
    job, chunks = records.transporting(chunks=3)
    assert [records.chunks.count_down(job, chunk) for chunk in chunks] == [False, False, True]
    assert records.jobs.counts(job) == Counts(0, 0)
    assert numbers(records, job) == []


def test_a_chunk_counted_before_changes_nothing(records: Records) -> None:
    job, chunks = records.transporting(chunks=3)
    assert not records.chunks.count_down(job, chunks[0])
    assert not records.chunks.count_down(job, chunks[0])
    assert records.jobs.counts(job) == Counts(2, 10)


def test_the_last_chunk_says_so_as_often_as_it_is_asked(records: Records) -> None:
    """The process that counted it may have crashed before it finished the job."""
    job, chunks = records.transporting(chunks=3)
    for chunk in chunks:
        records.chunks.count_down(job, chunk)
    assert [records.chunks.count_down(job, chunk) for chunk in chunks] == [False, False, True]
    assert records.jobs.counts(job) == Counts(0, 0)


def test_of_several_shards_the_one_that_is_emptied_last_has_the_last_chunk(records: Records) -> None:
    job, chunks = records.transporting(chunks=60)
    assert job.shards == 2
    even, odd = chunks[::2], chunks[1::2]
    assert not any(records.chunks.count_down(job, chunk) for chunk in even)
    assert records.jobs.counts(job) == Counts(30, 150)
    assert [records.chunks.count_down(job, chunk) for chunk in odd] == [False] * 29 + [True]
    # A redelivery of the chunk that emptied the other shard does not finish the job again.
    assert not records.chunks.count_down(job, even[-1])
    assert records.chunks.count_down(job, odd[-1])


def test_a_hundred_workers_that_deliver_everything_twice_end_at_exactly_zero(records: Records) -> None:
    job, chunks = records.transporting(chunks=500)

    def count_down(chunk: Chunk) -> bool:
        """Count the chunk down as a redelivered message does: a slow store may have counted it before."""
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                return records.chunks.count_down(job, chunk)
            except Unavailable:
                assert time.monotonic() < deadline

    messages = chunks * 2
    with ThreadPoolExecutor(100) as pool:
        answers = list(pool.map(count_down, messages))
    assert len({chunk.number for chunk, last in zip(messages, answers, strict=True) if last}) == 1
    assert records.jobs.counts(job) == Counts(0, 0)
    assert numbers(records, job) == []
