"""The steps' events: each delivery, each unload's end, and the number of jobs."""

import pytest

from shared.domain.events import ChunkDelivered, JobsCensus, RowsSkipped, UnloadEnded
from shared.domain.jobs import JobStatus
from shared.domain.oversized import RowTooLarge, SizeLimit
from shared.steps.sending import ChunkDelivery, Pulse, Rows
from tests.fakes.examples import new_job
from tests.unit.steps.world import World


def test_each_delivery_of_a_chunk_tells_its_rows_and_how_long_it_took() -> None:
    world = World(rows=13)
    job = world.accept()
    world.run()
    delivered = [event for event in world.events if isinstance(event, ChunkDelivered)]
    assert {(event.job_id, event.chunk, event.destination_type) for event in delivered} == {
        (job.job_id, chunk, kind) for chunk in range(3) for kind in ("kafka", "webhook")
    }
    for kind in ("kafka", "webhook"):
        assert sum(event.rows for event in delivered if event.destination_type == kind) == 13
    assert all(event.seconds >= 0 and event.rows_per_second >= 0 for event in delivered)


def test_rows_per_second_are_of_the_time_that_sending_took() -> None:
    world = World(rows=5)
    job, [message] = world.staged(new_job(time_created=world.clock.now()))
    assert job.status is JobStatus.TRANSPORTING
    sink = world.deliver.sinks["kafka"]

    class Slow:
        def deliver(self, *arguments: object) -> bool:
            world.clock.sleep(2)
            return bool(sink.deliver(*arguments))  # type: ignore[arg-type]  # handed on as they came

    world.deliver.sinks["kafka"] = Slow()  # type: ignore[index]  # a dict, as every wiring hands over
    world.deliver.run(message)
    kafka, webhook = [event for event in world.events if isinstance(event, ChunkDelivered)]
    assert (kafka.seconds, kafka.rows_per_second) == (2.0, 2.5)
    assert (webhook.seconds, webhook.rows_per_second) == (0.0, 0.0)


def test_the_end_of_an_unload_is_told_with_its_state_and_length() -> None:
    world = World(polls=3)
    job = world.accept()
    world.run()
    [ended] = [event for event in world.events if isinstance(event, UnloadEnded)]
    assert (ended.job_id, ended.attempt_id) == (job.job_id, world.now(job).require_attempt().attempt_id)
    assert ended.state == "succeeded"
    assert ended.seconds > 0


@pytest.mark.parametrize("ended", [False, True])
def test_the_sweep_counts_the_jobs_of_each_status_none_left_out(ended: bool) -> None:  # noqa: FBT001 - pytest's
    world = World()
    for _ in range(2):
        world.accept()
    job = world.accept()
    if ended:
        world.cancel(job)
    world.sweep.run()
    counts = {event.status: event.count for event in world.events if isinstance(event, JobsCensus)}
    expected = {status.value: 0 for status in JobStatus} | {"staging": 2 if ended else 3}
    assert counts == expected | ({"cancelled": 1} if ended else {})


def test_rows_that_were_left_out_are_told_with_the_chunks_delivery() -> None:
    world = World(rows=5)
    _, [message] = world.staged(new_job(time_created=world.clock.now(), oversized_rows="skip"))
    sink, limit = world.deliver.sinks["kafka"], SizeLimit(5_000, "topic", "Raise it")

    class Skipping:
        def deliver(self, delivery: ChunkDelivery, rows: Rows, pulse: Pulse) -> bool:
            skipped = delivery.too_large(1, b"key", 6_000, limit) + delivery.too_large(2, None, 7_000, limit)
            pulse.checkpoint(0, skipped)
            return sink.deliver(delivery, rows, pulse)

    world.deliver.sinks["kafka"] = Skipping()  # type: ignore[index]  # a dict, as every wiring hands over
    world.deliver.run(message)
    [skipped] = [event for event in world.events if isinstance(event, RowsSkipped)]
    assert (skipped.chunk, skipped.destination_type, skipped.rows, skipped.largest) == (0, "kafka", 2, 7_000)


def test_a_job_that_does_not_leave_rows_out_fails_by_such_a_row() -> None:
    world = World(rows=5)
    job, [message] = world.staged(new_job(time_created=world.clock.now()))

    class Refusing:
        def deliver(self, delivery: ChunkDelivery, _rows: Rows, _pulse: Pulse) -> bool:
            delivery.too_large(1, b"key", 6_000, SizeLimit(5_000, "topic", "Raise it"))
            return True

    world.deliver.sinks["kafka"] = Refusing()  # type: ignore[index]  # a dict, as every wiring hands over
    with pytest.raises(RowTooLarge):
        world.handle.run(message)
    assert str(world.now(job).error_message).startswith("Row 1 of chunk 0 (key key) has 6,000 bytes")
