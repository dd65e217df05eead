"""The next chunk of a lane, despite crashes, repeats and slow lanes."""

from collections import Counter
from dataclasses import replace
from typing import Any

import pytest

from shared.domain.errors import AskedToWait, Deferred, RetryLater, StaleMessage, Unavailable
from shared.domain.jobs import Counts, Job, JobStatus
from shared.domain.messages import NONE_LEFT, DeliverChunk, StageJob
from tests.fakes.examples import KAFKA, WEBHOOK, new_job
from tests.unit.steps.world import IN_FLIGHT, World


def narrow(chunks: int, in_flight: int) -> tuple[World, Job, list[DeliverChunk]]:
    """A world whose jobs have few lanes, a job with this many chunks, and the messages of its first ones."""
    world = World(rows=5 * chunks)
    world.stage = replace(world.stage, in_flight=in_flight)
    job, messages = world.staged()
    return world, job, messages


def numbers(messages: list[Any]) -> list[int]:
    return [message.chunk for message in messages if isinstance(message, DeliverChunk)]


def test_no_more_chunks_are_published_than_the_job_has_lanes() -> None:
    world, job, waiting = narrow(chunks=10, in_flight=3)
    assert numbers(waiting) == [0, 1, 2]
    seen = []
    while waiting:
        assert len(waiting) <= 3
        message = waiting.pop(0)
        seen.append(message.chunk)
        world.deliver.run(message)
        waiting += [message for message in world.queue.taken() if isinstance(message, DeliverChunk)]
    assert seen == list(range(10))
    assert world.now(job).status is JobStatus.COMPLETED


def test_a_client_may_want_fewer() -> None:
    world = World(rows=50)
    _, messages = world.staged(new_job(time_created=world.clock.now(), max_parallel_chunks=2))
    assert numbers(messages) == [0, 1]


def test_jobs_of_one_organization_share_and_those_of_another_do_not() -> None:
    world = World(rows=500)
    lanes_of = []
    for organization in ("acme", "acme", "globex", "acme"):
        job = new_job(time_created=world.clock.now(), organization_id=organization)
        lanes_of.append(world.staged(job)[0].lanes)
    assert lanes_of == [IN_FLIGHT, IN_FLIGHT // 2, IN_FLIGHT, IN_FLIGHT // 3]


def test_who_died_before_passing_on_does_so_when_the_message_comes_again() -> None:
    world, _, messages = narrow(chunks=6, in_flight=2)
    world.faults.instead["FakeQueue.send"] = _away
    with pytest.raises(Unavailable):
        world.deliver.run(messages[0])
    assert world.queue.taken() == []
    world.deliver.run(messages[0])
    assert numbers(world.queue.taken()) == [2]


def test_a_repeated_message_goes_past_what_is_delivered() -> None:
    world, _, messages = narrow(chunks=8, in_flight=2)
    for chunk in (0, 2, 4):
        world.deliver.run(replace(messages[0], chunk=chunk))
    world.queue.taken()
    world.deliver.run(messages[0])
    assert numbers(world.queue.taken()) == [6]


def test_a_repeated_message_publishes_nothing_that_is_being_delivered() -> None:
    world, job, messages = narrow(chunks=8, in_flight=2)
    world.deliver.run(messages[0])
    world.queue.taken()
    assert world.deliveries.take(job, 2, KAFKA.uid) is not None
    world.deliver.run(messages[0])
    assert world.queue.taken() == []


def test_who_delivers_for_an_earlier_opening_does_not_keep_a_lane_from_going_on() -> None:
    world, job, messages = narrow(chunks=8, in_flight=2)
    world.deliver.run(messages[0])
    assert world.deliveries.take(job, 2, KAFKA.uid) is not None
    world.stage.run(StageJob("acme", job.job_id, 0))
    world.queue.taken()
    world.deliver.run(replace(messages[0], opening=2))
    assert numbers(world.queue.taken()) == [2]


def test_a_repeated_message_at_its_lanes_end_publishes_nothing() -> None:
    world, _, messages = narrow(chunks=4, in_flight=2)
    world.deliver.run(replace(messages[0], chunk=2))
    world.queue.taken()
    world.deliver.run(replace(messages[0], chunk=2))
    assert world.queue.taken() == []


def test_messages_of_an_earlier_opening_are_dropped() -> None:
    """The new opening has published everything that must be delivered."""
    world, job, messages = narrow(chunks=8, in_flight=2)
    world.stage.run(StageJob("acme", job.job_id, 0))
    assert numbers(world.queue.taken()) == [0, 1]
    with pytest.raises(StaleMessage, match="an earlier opening"):
        world.deliver.run(messages[0])
    assert world.jobs.counts(job) == Counts(8, 40)


def test_what_an_earlier_opening_delivered_sets_nothing_going() -> None:
    world, job, messages = narrow(chunks=8, in_flight=2)

    world.deliver.run(messages[1])
    world.stage.run(StageJob("acme", job.job_id, 0))
    world.queue.taken()
    world.deliver.run(messages[1])
    assert world.queue.taken() == []


def test_a_lane_at_its_end_takes_chunks_from_one_that_lags_behind() -> None:
    world, job, messages = narrow(chunks=9, in_flight=2)
    waiting, order = [messages[0]], []
    while waiting:  # lane 1 stops
        message = waiting.pop()
        order.append(message.chunk)
        world.deliver.run(message)
        waiting += [message for message in world.queue.taken() if isinstance(message, DeliverChunk)]
    assert order[:5] == [0, 2, 4, 6, 8]
    assert len({*order[5:]} & {3, 5, 7}) >= 2
    world.deliver.run(messages[1])
    world.run()
    assert world.now(job).status is JobStatus.COMPLETED


def test_a_lane_at_its_end_takes_nothing_that_others_deliver() -> None:
    world, job, messages = narrow(chunks=4, in_flight=2)
    world.deliver.run(messages[0])
    assert world.deliveries.take(job, 3, WEBHOOK.uid) is not None
    world.queue.taken()
    world.deliver.run(replace(messages[0], chunk=2))
    assert world.queue.taken() == []


def test_a_lane_at_its_end_looks_further_ahead_for_a_chunk() -> None:
    world, job, messages = narrow(chunks=40, in_flight=2)
    for chunk in (*range(0, 38, 2), *range(5, 40, 2)):
        found = world.chunks.get(job, chunk)
        assert found is not None
        world.chunks.count_down(job, found)
    world.deliver.run(replace(messages[0], chunk=38))
    assert numbers(world.queue.taken()) == [3]


def test_a_duplicate_of_every_message_delivers_each_chunk_once() -> None:
    world = World(rows=100, copies=2)
    world.stage = replace(world.stage, in_flight=3)
    world.handle = type(world.handle)({**world.handle.steps, StageJob: world.stage.run}, world.finish)
    job = world.accept()
    world.run()
    assert world.now(job).status is JobStatus.COMPLETED
    assert len(world.log.rows()) == 100


def test_replaying_everything_does_not_multiply() -> None:
    """Each repeated message publishes at most one."""
    world, _, messages = narrow(chunks=40, in_flight=4)
    handled = [messages.pop(0)]
    for _ in range(20):
        world.deliver.run(handled[-1])
        messages += [message for message in world.queue.taken() if isinstance(message, DeliverChunk)]
        handled.append(messages.pop(0))
    published = Counter[int]()
    for message in handled[:-1]:
        world.deliver.run(message)
        published.update(numbers(world.queue.taken()))
    assert published.total() <= 20


def dead_webhook(world: World) -> None:
    """Deliveries fail until the webhook's circuit opens; what they delivered elsewhere stays."""
    world.receiver.answer = lambda _request: _away()


def attempt(world: World, message: DeliverChunk, times: int = 3) -> None:
    """Deliver a chunk that the webhook does not take, so often that its circuit opens."""
    for _ in range(times):
        with pytest.raises(Unavailable):
            world.deliver.run(message)
    world.queue.taken()


def taken(world: World) -> list[DeliverChunk]:
    return [message for message in world.queue.taken() if isinstance(message, DeliverChunk)]


def test_a_lane_leaves_behind_what_only_waits_for_a_dead_destination() -> None:
    world, job, messages = narrow(chunks=7, in_flight=2)
    dead_webhook(world)
    attempt(world, messages[0], times=2)
    world.deliver.run(messages[0])  # the third failure in a row opens the circuit
    waiting = taken(world)
    seen = [(message.chunk, message.left, message.again) for message in waiting]
    while waiting and not waiting[0].again:
        world.deliver.run(waiting.pop())
        waiting = taken(world)
        seen += [(message.chunk, message.left, message.again) for message in waiting]
    assert seen == [(2, 0, False), (4, 0, False), (6, 0, False), (0, NONE_LEFT, True)]
    assert len(world.log.rows()) == 4 * 5
    with pytest.raises(Deferred, match="webhook hook failed several times just now"):
        world.deliver.run(waiting[0])
    assert world.queue.taken() == []
    world.receiver.answer = lambda _request: None
    world.clock.sleep(5)
    world.deliver.run(waiting[0])
    assert numbers(world.queue.taken()) == [2]
    assert world.jobs.counts(job) == Counts(6, 30)


def test_a_lane_with_one_chunk_waits_for_it() -> None:
    world, _, messages = narrow(chunks=2, in_flight=2)
    dead_webhook(world)
    attempt(world, messages[0], times=2)
    with pytest.raises(Deferred):
        world.deliver.run(messages[0])
    assert world.queue.taken() == []


def test_a_lane_returns_to_what_it_left_behind_before_it_helps_others() -> None:
    world, _, messages = narrow(chunks=6, in_flight=2)
    world.deliver.run(replace(messages[0], chunk=4, left=0))
    (message,) = taken(world)
    assert (message.chunk, message.left, message.again) == (0, NONE_LEFT, True)


@pytest.mark.parametrize("leased", [False, True])
def test_a_repeated_message_at_its_lanes_end_returns_to_what_it_left_behind(*, leased: bool) -> None:
    world, job, messages = narrow(chunks=6, in_flight=2)
    world.deliver.run(replace(messages[0], chunk=2))
    world.queue.taken()
    if leased:
        assert world.deliveries.take(job, 4, KAFKA.uid) is not None
    else:
        world.deliver.run(replace(messages[0], chunk=4))
        world.queue.taken()
    world.deliver.run(replace(messages[0], chunk=2, left=0))
    (message,) = taken(world)
    assert (message.chunk, message.left, message.again) == (0, NONE_LEFT, True)


def test_a_destination_that_asked_to_wait_is_left_behind_too() -> None:
    world, _, messages = narrow(chunks=6, in_flight=2)

    def wait(_request: Any) -> None:
        raise AskedToWait("the webhook", seconds=600)

    world.receiver.answer = wait
    world.deliver.run(messages[0])
    (message,) = taken(world)
    assert (message.chunk, message.left) == (2, 0)
    world.deliver.run(message)
    assert numbers(world.queue.taken()) == [4]
    assert len(world.receiver.requests) == 1


def test_a_chunk_that_another_destination_lacks_as_well_is_not_left_behind() -> None:
    world, _, messages = narrow(chunks=6, in_flight=2)
    dead_webhook(world)
    attempt(world, messages[0], times=2)
    world.faults.instead["Log.commit"] = _away
    with pytest.raises(Unavailable):
        world.deliver.run(replace(messages[0], chunk=2))
    assert world.queue.taken() == []


def test_a_job_whose_destination_comes_back_is_delivered_whole() -> None:
    world, job, messages = narrow(chunks=20, in_flight=3)
    dead_webhook(world)
    waiting, steps = list(messages), 0
    while world.now(job).status is not JobStatus.COMPLETED:
        steps += 1
        assert steps < 500
        if steps == 60:
            world.receiver.answer = lambda _request: None
        message = waiting.pop(0)
        try:
            world.deliver.run(message)
        except RetryLater:
            waiting.append(message)
        world.clock.sleep(1)
        waiting += taken(world)
        assert len(waiting) <= 3
    assert sorted(set(world.receiver.rows())) == sorted(world.log.rows())
    assert len(world.log.rows()) == 100


def test_a_job_of_a_release_without_lanes_goes_on() -> None:
    """All of its chunks were published at once, by messages without an opening."""
    world, job, messages = narrow(chunks=3, in_flight=64)
    world.change(job, lambda job: replace(job, lanes=0, opening=0))
    for message in messages:
        world.deliver.run(replace(message, opening=0))
    assert world.now(job).status is JobStatus.COMPLETED


def _away(*_: object) -> None:
    raise Unavailable("the message queue")
