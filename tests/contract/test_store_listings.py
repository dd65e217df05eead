"""A client's view of its organization's jobs, tested with Firestore and the fake."""

import uuid
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from google.api_core.exceptions import DeadlineExceeded
from google.cloud import firestore

from shared.adapters import firestore_destinations
from shared.adapters.firestore_listings import FirestoreListings
from shared.domain import transitions
from shared.domain.jobs import Counts, Job, JobStatus
from shared.steps.records import DestinationProgress
from tests.contract.records import Records, in_firestore
from tests.fakes.clock import FakeClock
from tests.fakes.examples import CREATED, KAFKA, WEBHOOK, new_job


def many(records: Records, count: int) -> list[Job]:
    """Return confirmed jobs, three created in each microsecond, recorded in another order."""
    jobs = [
        new_job(confirmed=True, time_created=CREATED + timedelta(microseconds=number // 3))
        for number in range(count)
    ]
    for job in sorted(jobs, key=lambda job: job.job_id):
        records.jobs.create(job, [])
    return sorted(jobs, key=lambda job: (job.time_created, job.job_id))


def test_all_jobs_are_listed_oldest_first_and_those_of_one_moment_by_id(records: Records) -> None:
    expected = many(records, 205)
    assert [job for job, _, _ in records.listings.jobs("acme")] == expected


def test_pages_joined_are_the_whole_list(records: Records) -> None:
    expected = many(records, 130)
    found: list[Job] = []
    after = None
    while page := [job for job, _, _ in records.listings.jobs("acme", after=after, limit=17)]:
        assert len(page) <= 17
        found += page
        after = (page[-1].time_created, page[-1].job_id)
    assert found == expected


def test_newest_first_is_the_list_turned_round(records: Records) -> None:
    expected = many(records, 205)[::-1]
    assert [job for job, _, _ in records.listings.jobs("acme", newest_first=True)] == expected


@pytest.mark.parametrize("newest_first", [False, True])
@pytest.mark.parametrize("statuses", [[], [JobStatus.CANCELLED], [JobStatus.STAGING, JobStatus.CANCELLED]])
def test_pages_of_a_selection_joined_are_all_of_it(
    records: Records, statuses: list[JobStatus], *, newest_first: bool
) -> None:
    jobs = many(records, 40)
    for job in jobs[::3]:
        records.change(job, partial(transitions.cancel, now=CREATED))
    for job in jobs[1::3]:
        records.change(job, partial(transitions.fail, message="it can't be read", now=CREATED, retry=0))
    stored = [records.now(job) for job in jobs]
    expected = [job for job in stored if not statuses or job.status in statuses]
    found: list[Job] = []
    after = None
    while page := [
        job
        for job, _, _ in records.listings.jobs("acme", after, 7, statuses=statuses, newest_first=newest_first)
    ]:
        assert len(page) <= 7
        found += page
        after = (page[-1].time_created, page[-1].job_id)
    assert found == (expected[::-1] if newest_first else expected)


def test_a_page_is_full_however_many_unconfirmed_jobs_lie_before_it(records: Records) -> None:
    for number in range(110):
        records.jobs.create(new_job(time_created=CREATED - timedelta(seconds=number + 1)), [])
    expected = many(records, 4)
    assert [job for job, _, _ in records.listings.jobs("acme", limit=3)] == expected[:3]


def test_a_job_that_is_not_sure_to_run_is_not_listed(records: Records) -> None:
    records.jobs.create(new_job(), [])
    assert list(records.listings.jobs("acme")) == []


def test_an_organization_sees_only_its_own(records: Records) -> None:
    mine, other = records.created(), records.created(new_job(organization_id="globex"))
    assert [job for job, _, _ in records.listings.jobs("acme")] == [mine]
    assert [job for job, _, _ in records.listings.jobs("globex")] == [other]


def test_organizations_whose_job_ids_are_equal_stay_apart(records: Records) -> None:
    mine = records.created()
    other = records.created(replace(mine, organization_id="globex", confirmed=False, job_name="theirs"))
    records.change(other, partial(transitions.cancel, now=CREATED))
    assert records.now(mine) == mine


def test_each_job_is_listed_with_its_filter_and_what_is_left_of_it(records: Records) -> None:
    filtered = records.created(new_job(filter_column="token_address"), ["0x1", "0x2"])
    moving, chunks = records.transporting(chunks=120)
    records.chunks.count_down(moving, chunks[0])
    listed = {job.job_id: (values, counts) for job, values, counts in records.listings.jobs("acme")}
    assert listed == {
        filtered.job_id: (["0x1", "0x2"], None),
        moving.job_id: (None, Counts(119, 119 * 5)),
    }


def test_jobs_with_large_filters_are_all_listed_in_their_order(records: Records) -> None:
    values = {
        records.created(new_job(filter_column="token_address"), found).job_id: found
        for found in (["x" * 900_000], ["y"], ["z" * 1_500_000], ["w" * 1_500_000], ["v" * 1_500_000])
    }
    listed = [(job.job_id, found) for job, found, _ in records.listings.jobs("acme")]
    assert dict(listed) == values
    assert [job_id for job_id, _ in listed] == [job.job_id for job, _, _ in records.listings.jobs("acme")]


def test_a_destinations_progress_counts_what_it_has_whole(records: Records) -> None:
    job, chunks = records.transporting()
    for chunk in chunks[:2]:
        lease = records.deliveries.take(job, chunk.number, KAFKA.uid)
        assert lease is not None
        lease.done(chunk.rows, None)
    records.deliveries.take(job, 0, WEBHOOK.uid)
    records.jobs.record_destination_error(job, WEBHOOK.uid, "it answered 500", CREATED)
    assert records.listings.destinations(job) == {
        KAFKA.uid: DestinationProgress(2, 10, None),
        WEBHOOK.uid: DestinationProgress(0, 0, "it answered 500"),
    }
    counts = records.jobs.counts(job)
    assert records.listings.progress(job, counts) == records.listings.destinations(job)
    assert records.listings.last_errors(job) == {WEBHOOK.uid: "it answered 500"}


def test_a_job_of_which_no_chunk_is_left_has_everything_everywhere(records: Records) -> None:
    job, chunks = records.transporting()
    for chunk in chunks:
        for destination in job.destinations:
            lease = records.deliveries.take(job, chunk.number, destination.uid)
            assert lease is not None
            lease.done(chunk.rows, None)
        records.chunks.count_down(job, chunk)
    records.jobs.record_destination_error(job, WEBHOOK.uid, "it answered 500", CREATED)
    everything = DestinationProgress(3, 15, None)
    assert records.listings.progress(job, records.jobs.counts(job)) == {
        KAFKA.uid: everything,
        WEBHOOK.uid: replace(everything, last_error="it answered 500"),
    }


def test_sums_that_take_too_long_leave_what_the_counts_tell(
    firestore_host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", firestore_host)
    client = firestore.Client(project=f"test-{uuid.uuid4().hex[:12]}")
    records = in_firestore(client)
    job, chunks = records.transporting()
    for chunk in chunks[:2]:
        lease = records.deliveries.take(job, chunk.number, KAFKA.uid)
        assert lease is not None
        lease.done(chunk.rows, None)
    records.chunks.count_down(job, chunks[0])
    records.jobs.record_destination_error(job, WEBHOOK.uid, "it answered 500", CREATED)
    counts, summed = records.jobs.counts(job), firestore_destinations._progress

    def too_much(client: firestore.Client, job: Job, uid: str, call: Mapping[str, Any]) -> object:
        assert call["timeout"] < 10
        if uid == WEBHOOK.uid:
            raise DeadlineExceeded("the sum takes too long")  # type: ignore[no-untyped-call]  # untyped there
        return summed(client, job, uid, call)

    monkeypatch.setattr(firestore_destinations, "_progress", too_much)
    clock = FakeClock()
    listings = FirestoreListings(client, lambda _event: None, clock.monotonic)
    counted = {
        KAFKA.uid: DestinationProgress(1, 5, None),
        WEBHOOK.uid: DestinationProgress(1, 5, "it answered 500"),
    }
    some = counted | {KAFKA.uid: DestinationProgress(2, 10, None)}
    assert listings.progress(job, counts) == some
    # Firestore goes on with a sum that is given up: the next one has to wait.
    assert listings.progress(job, counts) == counted
    clock.sleep(61)
    assert listings.progress(job, counts) == some


def test_of_one_destination_nothing_is_summed(firestore_host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", firestore_host)
    records = in_firestore(firestore.Client(project=f"test-{uuid.uuid4().hex[:12]}"))
    job, chunks = records.transporting(job=new_job(destinations=(KAFKA,)))
    records.chunks.count_down(job, chunks[0])
    monkeypatch.delattr(firestore_destinations, "summed_soon")
    assert records.listings.progress(job, records.jobs.counts(job)) == {
        KAFKA.uid: DestinationProgress(1, 5, None)
    }


def test_while_staging_no_destination_has_anything(records: Records) -> None:
    nothing = DestinationProgress(0, 0, None)
    job = records.created()
    for found in (records.listings.destinations(job), records.listings.progress(job, None)):
        assert found == {KAFKA.uid: nothing, WEBHOOK.uid: nothing}


def test_the_rows_of_the_latest_jobs_of_a_table_are_told(records: Records) -> None:
    first, _ = records.transporting(2)
    second, _ = records.transporting(3)
    records.created()
    found = records.listings.latest_rows("acme", first.table)
    assert sorted(found) == sorted([first.num_rows or 0, second.num_rows or 0])
    assert len(found) == 2
    assert list(records.listings.latest_rows("acme", "base.assets.other")) == []
    assert list(records.listings.latest_rows("others", first.table)) == []
