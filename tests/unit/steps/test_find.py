"""Finding a job: only the organization's own, and only once it is certain to run."""

import pytest

from shared.domain.errors import JobUnknown, StaleMessage
from shared.steps.find import find_for_client, find_for_message
from tests.fakes.examples import new_job
from tests.unit.steps.world import World


def test_a_client_finds_its_organizations_job_and_no_other() -> None:
    world = World()
    job = world.accept()
    assert find_for_client("acme", job.job_id, jobs=world.jobs) == job
    with pytest.raises(JobUnknown):
        find_for_client("globex", job.job_id, jobs=world.jobs)


def test_a_client_does_not_find_a_job_that_may_never_run_but_its_message_does() -> None:
    world, job = World(), new_job()
    world.jobs.create(job, [])
    with pytest.raises(JobUnknown):
        find_for_client("acme", job.job_id, jobs=world.jobs)
    assert find_for_message("acme", job.job_id, jobs=world.jobs) == job


def test_a_message_of_an_unknown_job_is_stale() -> None:
    with pytest.raises(StaleMessage):
        find_for_message("acme", "gone", jobs=World().jobs)
