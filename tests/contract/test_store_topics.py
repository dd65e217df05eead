"""Tests of the rule that decides which job may remove a Kafka topic, with Firestore's record and the fake."""

from dataclasses import replace

import pytest

from shared.adapters.firestore_topics import BEGINS_WITHIN, ITS_OWN
from shared.domain.errors import Busy, Unavailable
from shared.domain.jobs import Job
from tests.contract.records import Records
from tests.fakes.examples import KAFKA, new_job
from tests.fakes.faults import Killed

TOPIC = "beam.acme.transfers"


@pytest.fixture
def created(records: Records) -> Job:
    """Return a job whose topic exists."""
    job = records.created()
    records.topics.ensure(job, KAFKA)
    return job


def test_a_topic_that_only_this_job_ever_named_is_removed_with_it(records: Records, created: Job) -> None:
    assert records.broker.topics == {TOPIC}
    records.topics.remove(created, KAFKA)
    assert records.broker.topics == set()


def test_a_topic_may_have_any_name_that_a_destination_may(records: Records) -> None:
    """Firestore reserves names like this one."""
    destination = replace(KAFKA, name="__x__")
    job = records.created(new_job(destinations=(destination,)))
    records.topics.ensure(job, destination)
    assert records.broker.topics == {"beam.acme.__x__"}
    records.topics.remove(job, destination)
    assert records.broker.topics == set()


def test_removing_a_topic_twice_is_no_error(records: Records, created: Job) -> None:
    records.topics.remove(created, KAFKA)
    records.topics.remove(created, KAFKA)
    assert records.broker.topics == set()


def test_a_topic_whose_creation_ends_after_its_removal_is_removed_again(
    records: Records, created: Job
) -> None:
    records.topics.remove(created, KAFKA)
    records.broker.create(TOPIC)
    records.topics.remove(created, KAFKA)
    assert records.broker.topics == set()


def test_a_topic_that_was_there_before_stays(records: Records) -> None:
    records.broker.topics.add(TOPIC)
    job = records.created()
    records.topics.ensure(job, KAFKA)
    records.topics.remove(job, KAFKA)
    assert records.broker.topics == {TOPIC}


def test_a_topic_that_another_job_names_stays_whoever_is_torn_down(records: Records) -> None:
    first, second = records.created(), records.created()
    for job in (first, second):
        records.topics.ensure(job, KAFKA)
    for job in (first, second):
        records.topics.remove(job, KAFKA)
    assert records.broker.topics == {TOPIC}


def test_a_job_that_was_taken_back_never_named_its_topic(records: Records) -> None:
    refused = new_job()
    records.jobs.create(refused, [])
    records.jobs.remove_unconfirmed(refused)
    job = records.created()
    records.topics.ensure(job, KAFKA)
    records.topics.remove(job, KAFKA)
    assert records.broker.topics == set()


def test_organizations_that_use_the_same_name_share_no_topic(records: Records) -> None:
    mine, other = records.created(), records.created(new_job(organization_id="globex"))
    for job in (mine, other):
        records.topics.ensure(job, KAFKA)
    records.topics.remove(other, KAFKA)
    assert records.broker.topics == {TOPIC}


def test_a_topic_is_not_used_while_it_is_being_removed(records: Records) -> None:
    """The remover crashed, or Kafka was down, in the middle: the next job must not lose the topic."""
    first = records.created()
    records.topics.ensure(first, KAFKA)
    records.broker.down = True
    with pytest.raises(Unavailable):
        records.topics.remove(first, KAFKA)
    records.broker.down = False
    second = records.created()
    with pytest.raises(Busy):
        records.topics.ensure(second, KAFKA)
    records.topics.remove(first, KAFKA)
    assert records.broker.topics == set()
    records.topics.ensure(second, KAFKA)
    assert records.broker.topics == {TOPIC}


def test_a_topic_whose_creator_died_before_creating_it_is_created_by_the_next(records: Records) -> None:
    job = records.created()
    records.broker.refuse_next_creation()
    with pytest.raises(Unavailable):
        records.topics.ensure(job, KAFKA)
    records.topics.ensure(job, KAFKA)
    records.topics.remove(job, KAFKA)
    assert records.broker.topics == set()


def test_one_remover_at_a_time_is_let_near_a_topic(records: Records, created: Job) -> None:
    def again() -> None:
        with pytest.raises(Busy, match="just being removed"):
            records.topics.remove(created, KAFKA)
        assert records.broker.topics == {TOPIC}

    records.broker.before_deletion = again
    records.topics.remove(created, KAFKA)
    assert records.broker.topics == set()
    assert records.broker.before_deletion is None


def test_a_removal_whose_remover_died_is_taken_over_in_time(records: Records, created: Job) -> None:
    records.broker.before_deletion = _die
    with pytest.raises(Killed):
        records.topics.remove(created, KAFKA)
    with pytest.raises(Busy):
        records.topics.remove(created, KAFKA)
    records.clock.sleep(ITS_OWN + 1)
    records.topics.remove(created, KAFKA)
    assert records.broker.topics == set()


def test_a_remover_that_stood_still_leaves_the_next_jobs_topic_alone(records: Records, created: Job) -> None:
    """Meanwhile another remover has removed the topic, and a new job has created it again."""

    def stand_still() -> None:
        records.clock.sleep(ITS_OWN + 1)
        records.topics.remove(created, KAFKA)
        assert records.broker.topics == set()
        records.topics.ensure(records.created(), KAFKA)

    records.broker.before_deletion = stand_still
    with pytest.raises(Busy, match="over"):
        records.topics.remove(created, KAFKA)
    records.topics.remove(created, KAFKA)
    assert records.broker.topics == {TOPIC}


def test_a_remover_that_stood_still_does_not_end_the_removal_of_its_successor(
    records: Records, created: Job
) -> None:
    def stand_still() -> None:
        records.clock.sleep(ITS_OWN + 1)
        records.broker.before_deletion = _die
        with pytest.raises(Killed):
            records.topics.remove(created, KAFKA)

    records.broker.before_deletion = stand_still
    with pytest.raises(Busy, match="over"):
        records.topics.remove(created, KAFKA)
    with pytest.raises(Busy, match="just being removed"):
        records.topics.remove(created, KAFKA)
    with pytest.raises(Busy):
        records.topics.ensure(records.created(), KAFKA)
    records.clock.sleep(ITS_OWN + 1)
    records.topics.remove(created, KAFKA)
    assert records.broker.topics == set()


def test_a_remover_that_was_held_up_for_a_moment_removes(records: Records, created: Job) -> None:
    records.broker.before_deletion = lambda: records.clock.sleep(BEGINS_WITHIN)
    records.topics.remove(created, KAFKA)
    assert records.broker.topics == set()


def _die() -> None:
    raise Killed
