"""A sweep takes minutes: what it decided on an older state of a job must still hold when it is stored."""

from dataclasses import replace

import pytest

from shared.domain.jobs import Job, JobStatus
from shared.domain.messages import StageJob
from tests.unit.steps.world import SWEEPING, World

DURING = 60.0  # seconds between the sweep's look at the jobs and at the job


def sweep(world: World, during: object) -> None:
    """Sweep; ``during`` happens after the sweep has read the jobs."""

    def between(_jobs: list[Job]) -> None:
        assert callable(during)
        during()
        world.clock.sleep(DURING)

    replace(world.sweep, shuffle=between).run()


def test_a_job_that_was_staged_during_the_sweep_is_not_failed() -> None:
    world = World(polls=100_000)
    job = world.accept()
    [message] = world.queue.taken()
    world.handle.run(message)
    world.clock.sleep(SWEEPING.staging - DURING / 2 - (world.clock.now() - job.time_created).total_seconds())

    def staged() -> None:
        for query in world.warehouse.queries.values():
            query.polls_left = 0
        world.stage.run(StageJob("acme", job.job_id, 0))

    sweep(world, staged)
    assert (world.now(job).status, world.now(job).error_message) == (JobStatus.TRANSPORTING, None)


@pytest.mark.parametrize("status", [JobStatus.STAGING, JobStatus.TRANSPORTING])
def test_a_job_that_was_paused_during_the_sweep_keeps_the_rest_of_its_time(status: JobStatus) -> None:
    world = World()
    if status is JobStatus.STAGING:
        job, limit = world.accept(), SWEEPING.staging
    else:
        (job, _), limit = world.staged(), SWEEPING.job
    world.clock.sleep(limit - DURING / 2 - (world.clock.now() - job.time_created).total_seconds())
    sweep(world, lambda: world.pause(job))
    assert (world.now(job).status, world.now(job).paused) == (status, True)
