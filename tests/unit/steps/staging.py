"""Helpers of the staging tests."""

from collections.abc import Callable
from typing import Any

from shared.domain.jobs import Job
from shared.domain.messages import StageJob
from tests.fakes.examples import new_job
from tests.unit.steps.world import World


def stage(world: World, job: Job, retry: int = 0) -> Job:
    world.stage.run(StageJob(job.organization_id, job.job_id, retry))
    return world.now(job)


def accepted(world: World, **changes: object) -> Job:
    job = world.accept(new_job(time_created=world.clock.now(), **changes))
    world.queue.taken()
    return job


def just_before(world: World, part: object, method: str, act: Callable[[], object]) -> None:
    """Run ``act`` once, before the next call of the part's method."""
    call: Callable[..., Any] = getattr(part, method)

    def acting(*arguments: Any) -> Any:
        act()
        return call(*arguments)

    world.faults.instead[f"{type(part).__name__}.{method}"] = acting
