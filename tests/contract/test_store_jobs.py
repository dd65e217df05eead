"""The guarantees of job records, tested with Firestore and the fake."""

import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest

from shared.domain import transitions
from shared.domain.errors import Busy, StaleMessage, StateConflict
from shared.domain.jobs import FilterValue, Job, JobStatus
from tests.contract.records import Records
from tests.fakes.examples import COLUMNS, CREATED, RECORDS_KEPT, new_attempt, new_job


def claiming(job: Job) -> Callable[[Job], Job]:
    attempt = new_attempt()
    return partial(
        transitions.claim, attempt=attempt, previous=job.attempt, columns=COLUMNS, key_column="unique_id"
    )


def test_a_job_is_confirmed_whatever_became_of_it_meanwhile(records: Records) -> None:
    job = new_job()
    records.jobs.create(job, [])
    cancelled = records.change(job, partial(transitions.cancel, now=CREATED))
    records.jobs.confirm(job)
    records.jobs.confirm(job)
    assert records.now(job) == replace(cancelled, confirmed=True)


def test_a_job_that_is_not_there_is_not_confirmed(records: Records) -> None:
    with pytest.raises(StaleMessage):
        records.jobs.confirm(new_job())


def test_a_job_is_read_as_it_was_recorded(records: Records) -> None:
    job = new_job()
    records.jobs.create(job, [])
    assert records.now(job) == job


def test_a_job_in_every_later_state_is_read_as_it_was_changed(records: Records) -> None:
    job, _ = records.transporting()
    job = records.change(job, partial(transitions.nudge, now=CREATED, chunks_left=3))
    assert records.now(job) == job
    job = records.change(job, partial(transitions.fail, message="why", now=CREATED, retry=0))
    job = records.change(
        job, partial(transitions.tear_down, retry=0, reconciled=True, records_kept=RECORDS_KEPT)
    )
    assert records.now(job) == job
    assert job.error_message == "why"


def test_recording_a_job_twice_records_it_once(records: Records) -> None:
    """A commit whose answer was lost is sent again."""
    job = new_job()
    records.jobs.create(job, [])
    records.change(job, transitions.confirm)
    records.jobs.create(job, [])
    assert records.now(job).confirmed


def test_another_organization_has_no_such_job(records: Records) -> None:
    job = records.created()
    assert records.jobs.get("globex", job.job_id) is None
    with pytest.raises(StaleMessage):
        records.jobs.change("globex", job.job_id, transitions.confirm)


def test_the_largest_filter_comes_back_to_the_last_value(records: Records) -> None:
    values = [f"{number:06d}" + "é\U0001f980'\"\\%" + "x" * 80 for number in range(16_384)]
    job = new_job(filter_column="token_address")
    records.jobs.create(job, values)
    assert records.jobs.filter_values(records.now(job)) == values


def test_filter_values_go_with_a_job_that_is_taken_back(records: Records) -> None:
    job = new_job(filter_column="token_address")
    records.jobs.create(job, ["0x1"])
    seen = records.now(job)
    assert records.jobs.remove_unconfirmed(job)
    with pytest.raises(StaleMessage):
        records.jobs.filter_values(seen)


@pytest.mark.parametrize("values", [[1, 2.5, 10**37], [True, False], ["'; DROP TABLE x --", "\x00", ""]])
def test_filter_values_keep_their_types(records: Records, values: list[FilterValue]) -> None:
    job = new_job(filter_column="token_address")
    records.jobs.create(job, values)
    found = records.jobs.filter_values(records.now(job))
    assert [(type(value), value) for value in found] == [(type(value), value) for value in values]


def test_a_job_without_a_filter_has_no_values(records: Records) -> None:
    job = records.created()
    assert records.jobs.filter_values(job) == []


def test_a_change_of_an_unknown_job_is_stale(records: Records) -> None:
    with pytest.raises(StaleMessage):
        records.jobs.change("acme", str(uuid.uuid4()), transitions.confirm)


def test_a_refused_transition_stores_nothing(records: Records) -> None:
    job = records.created(new_job(status=JobStatus.FAILED))
    with pytest.raises(StateConflict):
        records.change(job, partial(transitions.cancel, now=CREATED))
    assert records.now(job) == job


def test_a_change_runs_anew_on_what_a_faster_one_left(records: Records) -> None:
    """The transition sees the newer job, so it overwrites nothing."""
    job = records.created()
    seen: list[JobStatus] = []

    def slow_failure(current: Job) -> Job:
        seen.append(current.status)
        if len(seen) == 1:
            records.change(job, partial(transitions.cancel, now=CREATED))
        return transitions.fail(current, "too late", CREATED, retry=0)

    assert records.change(job, slow_failure).status is JobStatus.CANCELLED
    assert seen == [JobStatus.STAGING, JobStatus.CANCELLED]
    assert records.now(job).error_message is None


def test_of_racing_changes_none_is_lost(records: Records) -> None:
    job = records.created()

    def once_more(current: Job) -> Job:
        return replace(current, attempts=current.attempts + 1)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: records.change(job, once_more), range(12)))
    assert records.now(job).attempts == 12


def test_of_racing_ends_the_first_stays(records: Records) -> None:
    job, _ = records.transporting()
    ends = [
        partial(transitions.cancel, now=CREATED),
        partial(transitions.fail, message="why", now=CREATED, retry=0),
        partial(transitions.complete, now=CREATED),
    ]

    def end(transition: Callable[[Job], Job]) -> JobStatus | None:
        try:
            return records.change(job, transition).status
        except StateConflict:
            return None

    with ThreadPoolExecutor(3) as pool:
        answers = set(pool.map(end, ends))
    assert answers - {None} == {records.now(job).status}


def test_of_two_claims_one_gets_the_job(records: Records) -> None:
    job = records.created()
    first = records.change(job, claiming(job))
    with pytest.raises(Busy):
        records.change(job, claiming(job))
    assert records.now(job) == first


def test_an_unconfirmed_job_is_taken_back_without_a_trace(records: Records) -> None:
    job = new_job(filter_column="token_address")
    records.jobs.create(job, ["0x1"])
    assert records.jobs.remove_unconfirmed(job)
    assert records.jobs.get(job.organization_id, job.job_id) is None
    assert list(records.listings.jobs(job.organization_id)) == []
    assert list(records.jobs.active()) == []


def test_taking_back_what_is_not_there_succeeds(records: Records) -> None:
    """The commit that should have recorded it may never have arrived."""
    assert records.jobs.remove_unconfirmed(new_job())


def test_a_confirmed_job_is_not_taken_back(records: Records) -> None:
    """A caller that missed the confirmation must not remove it: staging may have begun."""
    job = new_job()
    records.jobs.create(job, [])
    records.jobs.confirm(job)
    assert not records.jobs.remove_unconfirmed(job)
    assert records.now(job).confirmed


def test_a_job_taken_back_during_a_change_stays_gone(records: Records) -> None:
    """The change was computed on a job that is gone at the time of the write."""
    job = new_job()
    records.jobs.create(job, [])

    def slow(current: Job) -> Job:
        records.jobs.remove_unconfirmed(job)
        return transitions.confirm(current)

    with pytest.raises(StaleMessage):
        records.change(job, slow)
    assert records.jobs.get(job.organization_id, job.job_id) is None


def test_of_a_confirmation_and_a_taking_back_at_once_exactly_one_succeeds(records: Records) -> None:
    for _ in range(5):
        job = new_job()
        records.jobs.create(job, [])

        def confirm(job: Job = job) -> bool:
            try:
                records.jobs.confirm(job)
            except StaleMessage:
                return False
            return True

        with ThreadPoolExecutor(2) as pool:
            confirmed, removed = pool.submit(confirm), pool.submit(records.jobs.remove_unconfirmed, job)
        assert confirmed.result() != removed.result()
        assert (records.jobs.get(job.organization_id, job.job_id) is not None) == confirmed.result()


def test_jobs_of_all_organizations_are_active_until_they_are_at_rest(records: Records) -> None:
    unconfirmed = new_job(organization_id="globex")
    records.jobs.create(unconfirmed, [])
    transporting, _ = records.transporting()
    ended = records.created()
    records.change(ended, partial(transitions.cancel, now=CREATED))
    at_rest = records.created()
    records.change(at_rest, partial(transitions.cancel, now=CREATED + timedelta(seconds=1)))
    records.change(
        at_rest, partial(transitions.tear_down, retry=0, reconciled=True, records_kept=RECORDS_KEPT)
    )
    found = {job.job_id for job in records.jobs.active()}
    assert found == {unconfirmed.job_id, transporting.job_id, ended.job_id}


def test_jobs_that_transport_are_counted_but_paused_ones_and_other_organizations(records: Records) -> None:
    assert records.jobs.transporting("acme", 10) == 0
    records.claimed()
    records.transporting(job=new_job(organization_id="globex"))
    jobs = [records.transporting()[0] for _ in range(4)]
    records.change(jobs[0], partial(transitions.pause, now=CREATED))
    records.change(jobs[1], partial(transitions.cancel, now=CREATED))
    assert records.jobs.transporting("acme", 10) == 2
    assert records.jobs.transporting("acme", 1) == 1


def test_rows_are_wanted_while_their_attempt_transports_and_is_not_paused(records: Records) -> None:
    job, _ = records.transporting()
    assert records.jobs.wanted(job)
    assert not records.jobs.wanted(replace(job, attempt=new_attempt()))
    assert not records.jobs.wanted(new_job(attempt=new_attempt()))
    records.change(job, partial(transitions.pause, now=CREATED))
    assert not records.jobs.wanted(job)
    records.change(job, partial(transitions.resume, now=CREATED))
    assert records.jobs.wanted(job)
    records.change(job, partial(transitions.cancel, now=CREATED))
    assert not records.jobs.wanted(job)


def test_a_pause_is_read_as_it_was_recorded(records: Records) -> None:
    job, _ = records.transporting(job=new_job(max_parallel_chunks=3))
    paused = records.change(job, partial(transitions.pause, now=CREATED))
    assert records.now(job) == paused
    assert (paused.time_paused, paused.max_parallel_chunks) == (CREATED, 3)
    resumed = records.change(job, partial(transitions.resume, now=CREATED + timedelta(seconds=1.5)))
    assert records.now(job) == resumed
    assert (resumed.time_paused, resumed.seconds_paused) == (None, 1.5)
