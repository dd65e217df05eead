"""Delivering a chunk: every destination gets all of its rows, and the chunk counts once."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from shared.domain.errors import (
    AskedToWait,
    Busy,
    DeliveryStopped,
    DestinationRefused,
    RetryLater,
    StagedFileUnusable,
    StaleMessage,
    Unavailable,
)
from shared.domain.jobs import Counts, JobStatus
from shared.domain.messages import TearDownJob
from tests.fakes.examples import KAFKA, WEBHOOK, new_job
from tests.fakes.rows import Request
from tests.unit.steps.world import LEASE, World

CHUNK_0 = [(0, row) for row in range(5)]


def failing(error: Exception) -> Callable[[Request], None]:
    """A receiver whose answer never arrives: it gets the request, and then the connection fails."""

    def answer(_request: Request) -> None:
        raise error

    return answer


def test_each_destination_gets_all_rows_of_the_chunk_in_their_order() -> None:
    world = World()
    job, messages = world.staged()
    world.deliver.run(messages[0])
    assert world.log.rows() == world.receiver.rows() == CHUNK_0
    assert world.jobs.counts(job) == Counts(2, 8)


def test_the_last_chunk_completes_the_job_and_asks_for_its_teardown() -> None:
    world = World()
    job, messages = world.staged()
    for message in messages:
        world.deliver.run(message)
    assert world.now(job).status is JobStatus.COMPLETED
    assert world.jobs.counts(job) == Counts(0, 0)
    assert world.queue.waiting == [TearDownJob("acme", job.job_id)]


def test_a_chunk_delivered_twice_is_sent_and_counted_once() -> None:
    world = World()
    job, messages = world.staged()
    for _ in range(2):
        world.deliver.run(messages[0])
    assert world.log.rows() == world.receiver.rows() == CHUNK_0
    assert world.jobs.counts(job) == Counts(2, 8)


def test_a_delivered_chunk_met_again_finishes_a_job_whose_finisher_died() -> None:
    world = World()
    job, messages = world.staged()
    for message in messages[:2]:
        world.deliver.run(message)
    chunk = world.chunks.get(job, 2)
    assert chunk is not None
    world.has_arrived(job, chunk)
    assert world.now(job).status is JobStatus.TRANSPORTING
    world.deliver.run(messages[2])
    assert world.now(job).status is JobStatus.COMPLETED


def test_a_destination_that_has_the_chunk_is_not_sent_it_again_when_the_other_fails() -> None:
    world = World()
    _, messages = world.staged()
    world.receiver.answer = failing(Unavailable("the webhook"))
    with pytest.raises(Unavailable):
        world.deliver.run(messages[0])
    world.receiver.answer = lambda _request: None
    world.deliver.run(messages[0])
    assert world.log.rows() == CHUNK_0
    assert [call for call in world.faults.calls if call == "Log.commit"] == ["Log.commit"]


def test_a_destination_that_fails_for_now_does_not_keep_the_rows_from_the_next() -> None:
    world = World()
    other = replace(WEBHOOK, name="other", uid="other-uid")
    _, messages = world.staged(new_job(time_created=world.clock.now(), destinations=(WEBHOOK, other)))

    def answer(request: Request) -> None:
        if WEBHOOK.uid in request.request_id:
            raise Unavailable("the webhook")

    world.receiver.answer = answer
    with pytest.raises(Unavailable):
        world.deliver.run(messages[0])
    assert [row for request in world.receiver.requests[1:] for row in request.rows] == CHUNK_0


def test_kafka_has_its_rows_before_a_webhook_may_take_all_the_time() -> None:
    """Regardless of the client's order: a slow receiver would leave a transaction too little time, each
    time.
    """
    world = World()
    _, messages = world.staged(new_job(time_created=world.clock.now(), destinations=(WEBHOOK, KAFKA)))

    def answer(_request: Request) -> None:
        assert world.log.rows() == CHUNK_0

    world.receiver.answer = answer
    world.deliver.run(messages[0])
    assert world.receiver.rows() == CHUNK_0


@pytest.mark.parametrize(("asked", "obeyed"), [(600, 600), (1e9, 3600)])
def test_a_receiver_that_asks_to_wait_hears_of_no_chunk_until_then(asked: float, obeyed: float) -> None:
    world = World()
    _, messages = world.staged()
    world.receiver.answer = failing(AskedToWait("the webhook", seconds=asked))
    with pytest.raises(AskedToWait):
        world.deliver.run(messages[0])
    world.receiver.answer = lambda _request: None
    world.clock.sleep(obeyed - 1)
    for message in messages:
        with pytest.raises(RetryLater, match="webhook hook asked the service to wait"):
            world.deliver.run(message)
    assert len(world.receiver.requests) == 1
    assert len(world.log.rows()) == 13, "Kafka, which comes first, has them all"
    world.clock.sleep(1)
    world.deliver.run(messages[0])
    assert world.receiver.rows()[2:] == CHUNK_0


def test_who_asked_to_wait_does_not_keep_what_it_has_from_counting_and_its_wish_is_no_error() -> None:
    world = World()
    job, messages = world.staged()

    def out_of_reach(*_: object) -> None:
        raise Unavailable("the job store")

    world.faults.instead["FakeChunks.count_down"] = out_of_reach
    with pytest.raises(Unavailable):
        world.deliver.run(messages[1])
    assert world.jobs.counts(job) == Counts(3, 13)
    world.receiver.answer = failing(AskedToWait("the webhook", seconds=600))
    with pytest.raises(AskedToWait):
        world.deliver.run(messages[0])
    shown = world.jobs.destinations(job)[WEBHOOK.uid].last_error
    with pytest.raises(RetryLater):
        world.deliver.run(messages[0])
    assert world.jobs.destinations(job)[WEBHOOK.uid].last_error == shown
    assert not world.deliveries.leased(job)
    world.deliver.run(messages[1])
    assert world.jobs.counts(job) == Counts(2, 8)


def test_a_retry_asks_again_whoever_asked_to_wait() -> None:
    world = World()
    job, messages = world.staged()
    world.receiver.answer = failing(AskedToWait("the webhook", seconds=600))
    with pytest.raises(AskedToWait):
        world.deliver.run(messages[0])
    world.finish.fail("acme", job.job_id, "why", retry=0)
    world.receiver.answer = lambda _request: None
    world.retry(job)
    world.deliver.run(messages[0])
    assert world.receiver.rows()[2:] == CHUNK_0


def test_what_keeps_a_destination_from_going_on_is_shown_to_the_client() -> None:
    world = World()
    job, messages = world.staged()
    world.receiver.answer = failing(Unavailable("the webhook", detail="10.0.0.1"))
    with pytest.raises(Unavailable):
        world.deliver.run(messages[0])
    shown = world.jobs.destinations(job)
    assert shown[WEBHOOK.uid].last_error == "the webhook is not available at the moment"
    assert shown[KAFKA.uid].last_error is None


def test_a_repeated_batch_carries_the_same_id_and_acknowledged_ones_are_not_repeated() -> None:
    world = World()
    _, messages = world.staged()
    refusals = [None, Unavailable("the webhook")]

    def answer(_request: Request) -> None:
        if refusals and (refusal := refusals.pop(0)):
            raise refusal

    world.receiver.answer = answer
    with pytest.raises(Unavailable):
        world.deliver.run(messages[0])
    world.deliver.run(messages[0])
    numbers = [request.request_id.rsplit("-", 1)[1] for request in world.receiver.requests]
    assert numbers == ["0", "1", "1", "2"]
    assert world.receiver.requests[1] == world.receiver.requests[2]


def test_a_destination_that_can_never_accept_ends_the_delivery_and_is_shown() -> None:
    world = World()
    job, messages = world.staged()
    world.receiver.answer = failing(DestinationRefused("It answered 410"))
    with pytest.raises(DestinationRefused):
        world.deliver.run(messages[0])
    assert world.jobs.destinations(job)[WEBHOOK.uid].last_error == "It answered 410"


def test_a_staged_file_that_is_gone_ends_the_delivery() -> None:
    world = World()
    _, messages = world.staged()
    world.files.contents.clear()
    with pytest.raises(StagedFileUnusable):
        world.deliver.run(messages[0])


def test_a_delivery_that_nears_its_deadline_goes_on_in_a_message_of_its_own() -> None:
    world = World()
    job, messages = world.staged()
    world.receiver.answer = lambda _request: world.clock.sleep(430)
    world.deliver.run(messages[0])
    assert world.queue.taken() == [messages[0]]
    assert world.receiver.rows() == CHUNK_0[:2]
    assert world.jobs.counts(job) == Counts(3, 13)
    world.run()
    assert sorted(set(world.receiver.rows())) == sorted(world.log.rows())
    assert len(world.receiver.rows()) == 13
    assert world.now(job).status is JobStatus.COMPLETED


def test_no_delivery_starts_after_the_cancel() -> None:
    world = World()
    job, messages = world.staged()
    world.cancel(job)
    with pytest.raises(StaleMessage):
        world.deliver.run(messages[0])
    assert world.log.rows() == world.receiver.rows() == []


def test_no_batch_starts_after_the_cancel_and_nothing_is_shown_as_an_error() -> None:
    world = World()
    job, messages = world.staged()

    def cancelled(_request: Request) -> None:
        world.cancel(job)

    world.receiver.answer = cancelled
    with pytest.raises(DeliveryStopped):
        world.deliver.run(messages[0])
    assert len(world.receiver.requests) == 1
    assert world.jobs.destinations(job)[WEBHOOK.uid].last_error is None
    assert not world.deliveries.leased(job)


def test_messages_of_unknown_jobs_attempts_and_chunks_are_stale() -> None:
    world = World()
    job, messages = world.staged()
    staging = world.accept(new_job(time_created=world.clock.now()))
    for stale in (
        replace(messages[0], job_id="gone"),
        replace(messages[0], attempt_id="gone"),
        replace(messages[0], chunk=3),
        replace(messages[0], organization_id="globex"),
        replace(messages[0], job_id=staging.job_id),
    ):
        with pytest.raises(StaleMessage):
            world.deliver.run(stale)
    assert world.jobs.counts(job) == Counts(3, 13)


def test_a_message_of_an_earlier_retry_with_the_same_attempt_is_still_valid() -> None:
    world = World()
    job, messages = world.staged()
    world.jobs.stored["acme", job.job_id].job = replace(job, retry=1)
    world.deliver.run(messages[0])
    assert world.jobs.counts(job) == Counts(2, 8)


def test_a_dead_holders_lease_is_taken_over_once_it_has_run_out_at_the_checkpoint() -> None:
    world = World()
    job, messages = world.staged()
    dead = world.deliveries.take(job, 0, WEBHOOK.uid)
    assert dead is not None
    dead.checkpoint(1)
    with pytest.raises(Busy):
        world.deliver.run(messages[0])
    assert world.receiver.rows() == []
    world.clock.sleep(LEASE)
    world.deliver.run(messages[0])
    assert world.receiver.rows() == CHUNK_0[2:]


def test_a_duplicate_of_a_delivery_under_way_sends_nothing_and_comes_again() -> None:
    """The sender may still crash: acknowledging the message would lose the chunk."""
    world = World()
    job, messages = world.staged()
    assert world.deliveries.take(job, 0, WEBHOOK.uid) is not None
    with pytest.raises(Busy):
        world.deliver.run(messages[0])
    assert world.log.rows() == CHUNK_0
    assert world.receiver.rows() == []


def test_a_sender_that_lost_its_lease_records_nothing() -> None:
    world = World()
    job, messages = world.staged()

    def taken_over(_request: Request) -> None:
        world.clock.sleep(LEASE)
        world.deliveries.take(job, 0, WEBHOOK.uid)

    world.receiver.answer = taken_over
    with pytest.raises(Busy):
        world.deliver.run(messages[0])
    assert world.deliveries.begun(job) == {0: {KAFKA.uid}}
    assert world.jobs.destinations(job)[WEBHOOK.uid].last_error is None
    assert world.jobs.counts(job) == Counts(3, 13)


def test_a_fault_of_our_own_lets_go_of_the_lease() -> None:
    world = World()
    job, messages = world.staged()
    world.receiver.answer = failing(ZeroDivisionError())
    with pytest.raises(ZeroDivisionError):
        world.deliver.run(messages[0])
    assert not world.deliveries.leased(job)
