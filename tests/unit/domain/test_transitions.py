"""The transitions of a job: the legal ones, and those without effect."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest

from shared.domain import transitions
from shared.domain.errors import Busy, StaleMessage, StateConflict
from shared.domain.jobs import Job, JobStatus
from tests.fakes.examples import COLUMNS, CREATED, RECORDS_KEPT, claimed, new_attempt, new_job, transporting

LATER = CREATED + timedelta(hours=1)
ENDS = (JobStatus.COMPLETED, JobStatus.FAILED, JobStatus.CANCELLED)
fail = partial(transitions.fail, message="why", now=LATER, retry=0)


def ended(status: JobStatus) -> Job:
    return replace(transporting(), status=status, time_completed=CREATED)


def test_a_new_job_stages_and_is_not_sure_to_run() -> None:
    job = new_job()
    assert job.status is JobStatus.STAGING
    assert not job.confirmed
    assert (job.num_chunks, job.error_message, job.time_completed) == (None, None, None)


@pytest.mark.parametrize("status", JobStatus)
def test_a_job_is_at_its_end_once_completed_failed_or_cancelled(status: JobStatus) -> None:
    assert status.is_terminal == (status in ENDS)


def test_a_job_is_named_for_its_organization_and_its_attempts_for_the_job() -> None:
    attempt = new_attempt(attempt_id="try")
    job = claimed(new_job(organization_id="acme", job_id="1"), attempt)
    assert job.workflow_id == "beam-backfill-acme-1"
    assert job.prefix == "acme/1/"
    assert job.attempt_prefix == "acme/1/try/"
    assert job.query_tag == "beam-backfill-acme-1-try"


def test_a_job_without_an_attempt_has_none_to_speak_of() -> None:
    with pytest.raises(StaleMessage):
        new_job().require_attempt()


def test_a_claim_begins_an_attempt() -> None:
    attempt = new_attempt()
    job = transitions.claim(new_job(), attempt, None, COLUMNS, "unique_id")
    assert (job.attempt, job.attempts) == (attempt, 1)
    assert (job.columns, job.key_column) == (COLUMNS, "unique_id")


def test_claiming_twice_changes_nothing() -> None:
    attempt = new_attempt()
    job = claimed(new_job(), attempt)
    assert transitions.claim(job, attempt, None, COLUMNS, "unique_id") == job


def test_a_claim_in_place_of_another_attempt_than_the_jobs_is_busy() -> None:
    with pytest.raises(Busy):
        transitions.claim(claimed(new_job()), new_attempt(), None, COLUMNS, None)


def test_an_attempt_that_got_nowhere_is_taken_over() -> None:
    assert claimed(claimed(new_job())).attempts == 2


@pytest.mark.parametrize("job", [transporting(), *map(ended, ENDS)], ids=lambda job: job.status.value)
def test_nothing_past_staging_is_claimed(job: Job) -> None:
    with pytest.raises(StaleMessage):
        transitions.claim(job, new_attempt(), job.attempt, COLUMNS, None)


def test_a_query_is_written_down_even_when_the_job_has_ended() -> None:
    """Teardown needs it to abort the query."""
    job = transitions.cancel(claimed(new_job()), LATER)
    job = transitions.record_query(job, job.require_attempt().attempt_id, "query")
    assert job.require_attempt().query_id == "query"
    assert job.status is JobStatus.CANCELLED


def test_a_query_that_comes_after_the_teardown_is_to_be_torn_down_too() -> None:
    job = transitions.tear_down(
        transitions.cancel(claimed(new_job()), LATER), retry=0, reconciled=True, records_kept=RECORDS_KEPT
    )
    late = transitions.record_query(job, job.require_attempt().attempt_id, "query")
    assert not late.torn_down
    again = transitions.tear_down(late, retry=0, reconciled=True, records_kept=RECORDS_KEPT)
    assert transitions.record_query(again, job.require_attempt().attempt_id, "query") == again


@pytest.mark.parametrize("job", [new_job(), claimed(new_job())], ids=["no attempt", "another"])
def test_a_query_of_another_attempt_is_not_written_down(job: Job) -> None:
    with pytest.raises(StaleMessage):
        transitions.record_query(job, "gone", "query")


def test_a_complete_manifest_moves_the_job_to_transporting() -> None:
    job = transporting(chunks=3, rows=5, shards=2)
    assert job.status is JobStatus.TRANSPORTING
    assert (job.num_chunks, job.num_rows, job.shards, job.time_completed) == (3, 15, 2, None)


def test_a_slice_of_no_rows_is_completed_at_once() -> None:
    job = transporting(chunks=0)
    assert job.status is JobStatus.COMPLETED
    assert (job.num_chunks, job.time_completed) == (0, CREATED)


def test_a_manifest_that_comes_twice_changes_nothing() -> None:
    job = transporting()
    attempt_id = job.require_attempt().attempt_id
    assert transitions.staged(job, attempt_id, chunks=9, rows=9, size=9, shards=9, now=LATER) == job


@pytest.mark.parametrize("end", [fail, partial(transitions.cancel, now=LATER)], ids=["failed", "cancelled"])
def test_a_manifest_of_a_job_that_has_ended_is_stale(end: Callable[[Job], Job]) -> None:
    job = end(claimed(new_job()))
    with pytest.raises(StaleMessage):
        transitions.staged(
            job, job.require_attempt().attempt_id, chunks=1, rows=1, size=1, shards=1, now=LATER
        )


def test_a_transporting_job_completes() -> None:
    job = transitions.complete(transporting(), LATER)
    assert (job.status, job.time_completed) == (JobStatus.COMPLETED, LATER)


def test_a_staging_job_can_not_complete() -> None:
    with pytest.raises(StaleMessage):
        transitions.complete(claimed(new_job()), LATER)


@pytest.mark.parametrize(
    "job", [new_job(), claimed(new_job()), transporting()], ids=["new", "claimed", "moving"]
)
def test_a_job_that_fails_says_why(job: Job) -> None:
    failed = fail(job)
    assert (failed.status, failed.error_message, failed.time_completed) == (JobStatus.FAILED, "why", LATER)


def test_a_failure_of_an_earlier_retry_changes_nothing() -> None:
    job = replace(transporting(), retry=1)
    assert fail(job) == job


@pytest.mark.parametrize("job", [new_job(), transporting()], ids=["staging", "transporting"])
def test_a_job_is_cancelled_in_every_phase(job: Job) -> None:
    cancelled = transitions.cancel(job, LATER)
    assert (cancelled.status, cancelled.time_completed) == (JobStatus.CANCELLED, LATER)
    assert cancelled.error_message is None


def test_a_cancelled_job_stays_cancelled_when_cancelled_again() -> None:
    job = ended(JobStatus.CANCELLED)
    assert transitions.cancel(job, LATER) == job


@pytest.mark.parametrize("status", [JobStatus.COMPLETED, JobStatus.FAILED])
def test_a_job_that_ended_otherwise_refuses_the_cancel_naming_its_state(status: JobStatus) -> None:
    with pytest.raises(StateConflict, match=status.value):
        transitions.cancel(ended(status), LATER)


@pytest.mark.parametrize("status", ENDS)
def test_terminal_states_stay(status: JobStatus) -> None:
    job = ended(status)
    assert transitions.complete(job, LATER) == job
    assert fail(job) == job


def test_the_sweeps_look_is_noted() -> None:
    job = transitions.nudge(transporting(), LATER, 2)
    assert (job.time_nudged, job.nudged_left) == (LATER, 2)


def test_a_torn_down_job_is_at_rest() -> None:
    assert transitions.tear_down(
        ended(JobStatus.CANCELLED), retry=0, reconciled=True, records_kept=RECORDS_KEPT
    ).torn_down


def test_only_a_paused_staging_gives_its_own_attempt_up() -> None:
    staging = claimed(new_job())
    attempt_id = staging.require_attempt().attempt_id
    paused = transitions.pause(staging, LATER)
    assert transitions.give_up(paused, attempt_id) == replace(paused, attempt=None)
    for job in (staging, transitions.pause(transporting(), LATER), transitions.pause(new_job(), LATER)):
        assert transitions.give_up(job, attempt_id) == job
    assert transitions.give_up(paused, "another") == paused
