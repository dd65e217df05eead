"""Balancing: a job completes only if every destination has exactly the unloaded rows."""

from collections.abc import Iterator

import pytest

from shared.domain.chunks import Chunk
from shared.domain.errors import StagedFileUnusable, StateConflict
from shared.domain.jobs import Job, JobStatus
from shared.steps.sending import MOST_BATCH_BYTES
from shared.steps.tally import Tally
from tests.fakes.sending import NumberedBatch, NumberedRows
from tests.unit.steps.world import World


def arrived_but_for_a_row(world: World) -> Job:
    """Return a job with all chunks counted, and a destination that lacks one row of one chunk."""
    job, _ = world.staged()
    for chunk in list(world.chunks.undelivered(job)):
        for destination in job.destinations:
            lease = world.deliveries.take(job, chunk.number, destination.uid)
            assert lease is not None
            short = chunk.number == 1 and destination == job.destinations[-1]
            lease.done(chunk.rows - short, None)
        world.chunks.count_down(job, chunk)
    return world.now(job)


def test_a_row_too_few_in_one_delivery_fails_the_job_and_names_the_chunk() -> None:
    world = World()
    job = arrived_but_for_a_row(world)
    failed = world.finish.if_all_delivered(job)
    assert failed.status is JobStatus.FAILED
    assert failed.error_message is not None
    assert f"for chunk 1, the rows recorded at {job.destinations[-1]} differ" in failed.error_message
    world.run()
    assert world.now(job).status is JobStatus.FAILED
    assert world.now(job).torn_down


def test_a_job_that_does_not_balance_is_not_completed_by_its_retry() -> None:
    world = World()
    job = world.finish.if_all_delivered(arrived_but_for_a_row(world))
    world.jobs.most_in_flight = 0
    with pytest.raises(StateConflict, match="chunk 1"):
        world.retry(job)
    assert world.now(job).status is JobStatus.FAILED


def test_a_sum_that_is_wrong_while_every_chunk_is_right_fails_the_job_too() -> None:
    world = World()
    job, _ = world.staged()
    for chunk in list(world.chunks.undelivered(job)):
        world.has_arrived(job, chunk)
    world.jobs.stored["acme", job.job_id].done[99, job.destinations[0].uid] = 1
    assert "for the whole job" in (world.finish.if_all_delivered(job).error_message or "")


class Short(NumberedRows):
    """Rows whose last batch is lost."""

    def batches(
        self, rows_per_batch: int, first_row: int = 0, most_bytes: int = MOST_BATCH_BYTES
    ) -> Iterator[NumberedBatch]:
        yield from list(super().batches(rows_per_batch, first_row, most_bytes))[:-1]


CHUNK = Chunk(3, "data.parquet", 100, 10)


@pytest.mark.parametrize("first_row", [0, 4, 8, 12], ids=str)
def test_rows_are_handed_on_as_they_are(first_row: int) -> None:
    rows = NumberedRows(10)
    handed_on = [batch.lines() for batch in Tally(rows, CHUNK).batches(4, first_row)]
    assert handed_on == [batch.lines() for batch in rows.batches(4, first_row)]


@pytest.mark.parametrize("first_row", [0, 4, 12], ids=str)
def test_rows_in_avro_are_handed_on_as_they_are(first_row: int) -> None:
    rows = NumberedRows(10)
    handed_on = [batch.lines() for batch in Tally(rows, CHUNK).in_avro({}, 7).batches(4, first_row)]
    assert handed_on == [batch.lines() for batch in rows.in_avro({}, 7).batches(4, first_row)]


def test_a_row_too_few_is_an_error_before_the_sink_has_seen_the_end() -> None:
    for rows in (Tally(Short(10), CHUNK), Tally(Short(10), CHUNK).in_avro({}, 7)):
        with pytest.raises(
            StagedFileUnusable, match="Chunk 3 was read as 8 rows, where Snowflake unloaded 10"
        ):
            list(rows.batches(4))
