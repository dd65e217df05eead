"""Every message of a chunk uses its job's topic, whoever publishes it."""

from dataclasses import replace

from shared.domain.jobs import JobStatus
from shared.domain.messages import DeliverChunk
from tests.fakes.examples import new_job
from tests.unit.steps.world import SWEEPING, World


def test_all_chunks_of_a_job_that_asks_for_a_fixed_address_go_its_way_and_no_others_do() -> None:
    world = World()
    fixed = world.accept(new_job(time_created=world.clock.now(), static_egress_ip=True))
    usual = world.accept(new_job(time_created=world.clock.now()))
    world.run()
    assert {world.now(job).status for job in (fixed, usual)} == {JobStatus.COMPLETED}
    assert {message.job_id for message in world.queue.static} == {fixed.job_id}
    assert len(world.queue.static) >= 3


def test_the_rest_of_a_chunk_goes_the_same_way() -> None:
    """The delivery itself publishes the message again when its time runs out."""
    world = World()
    _, messages = world.staged(new_job(time_created=world.clock.now(), static_egress_ip=True))
    world.queue.static.clear()
    sinks = dict(world.deliver.sinks)

    class OutOfTime:
        def deliver(self, *_: object) -> bool:
            return False

    hasty = replace(world.deliver, sinks=sinks | {"webhook": OutOfTime()})
    hasty.run(messages[0])
    assert world.queue.static == [messages[0]]


def test_what_the_sweep_has_published_again_goes_the_same_way() -> None:
    world = World()
    job, messages = world.staged(new_job(time_created=world.clock.now(), static_egress_ip=True))
    world.queue.static.clear()
    for _ in range(2):
        world.clock.sleep(SWEEPING.stalled)
        world.sweep.run()
    [stage] = world.queue.taken()
    world.handle.run(stage)
    assert world.now(job).status is JobStatus.TRANSPORTING
    assert world.queue.static == [replace(message, opening=2) for message in messages]
    assert all(isinstance(message, DeliverChunk) for message in world.queue.static)
