"""The guarantees of receipts, tested with Firestore and the fake."""

import uuid

import pytest
from google.api_core.exceptions import DeadlineExceeded
from google.cloud import firestore

from shared.adapters import firestore_destinations
from shared.domain.jobs import Job
from shared.domain.oversized import MOST_NAMED, OversizedRow, Skipped
from shared.domain.receipt import DeliveryReceipt, LeftOut, unbalanced
from shared.steps.records import Lease
from tests.contract.records import Records, in_firestore
from tests.fakes.examples import KAFKA, WEBHOOK


def lease_of(records: Records, job: Job, chunk: int, uid: str) -> Lease:
    lease = records.deliveries.take(job, chunk, uid)
    assert lease is not None
    return lease


def test_a_chunk_tells_what_became_of_it_at_each_destination(records: Records) -> None:
    job, chunks = records.transporting()
    lease_of(records, job, 1, KAFKA.uid).release()
    lease = lease_of(records, job, 1, KAFKA.uid)
    lease.checkpoint(1, Skipped(2, (OversizedRow(3, "key-3", 6_000, 5_000),)))
    lease.done(chunks[1].rows, "AAAAAA==")
    done = records.clock.now()
    lease_of(records, job, 1, WEBHOOK.uid)
    first, second, third = records.receipts.chunks(job)
    assert [one.number for one in (first, second, third)] == [0, 1, 2]
    assert (first.crc32c, first.deliveries) == (None, ())
    assert (second.name, second.rows, second.size) == (chunks[1].name, 5, chunks[1].size)
    assert second.crc32c == "AAAAAA=="
    assert sorted(second.deliveries, key=lambda one: one.uid != KAFKA.uid) == [
        DeliveryReceipt(KAFKA.uid, 3, 2, 2, done),
        DeliveryReceipt(WEBHOOK.uid, 0, 0, 1, None),
    ]


def test_a_checksum_that_one_delivery_lacks_is_taken_from_another(records: Records) -> None:
    job, _ = records.transporting(chunks=1)
    lease_of(records, job, 0, KAFKA.uid).done(5, None)
    lease_of(records, job, 0, WEBHOOK.uid).done(5, "BBBBBB==")
    [receipt] = records.receipts.chunks(job)
    assert receipt.crc32c == "BBBBBB=="


def test_chunks_are_read_from_any_on_over_several_pages(records: Records) -> None:
    job, chunks = records.transporting(chunks=600)
    for number in (0, 249, 250, 599):
        lease_of(records, job, number, KAFKA.uid).done(5, None)
    read = list(records.receipts.chunks(job, 249))
    assert [one.number for one in read] == list(range(249, len(chunks)))
    assert [one.number for one in read if one.deliveries] == [249, 250, 599]


def test_the_receipts_of_two_jobs_stay_apart(records: Records) -> None:
    mine, _ = records.transporting(chunks=1)
    other, _ = records.transporting(chunks=1)
    lease = lease_of(records, other, 0, KAFKA.uid)
    lease.checkpoint(1, Skipped(1, (OversizedRow(0, None, 9, None),)))
    lease.done(5, None)
    [receipt] = records.receipts.chunks(mine)
    assert receipt.deliveries == ()
    assert records.receipts.left_out(mine) == {}
    assert records.jobs.rows_done(mine).get(KAFKA.uid, 0) == 0


def test_rows_that_were_left_out_are_counted_and_the_first_of_them_named(records: Records) -> None:
    job, _ = records.transporting()
    rows = tuple(OversizedRow(number, f"key-{number}", 6_000, 5_000) for number in range(MOST_NAMED))
    for chunk, skipped in ((0, Skipped(2, rows[:2])), (2, Skipped(MOST_NAMED + 7, rows))):
        lease = lease_of(records, job, chunk, WEBHOOK.uid)
        lease.checkpoint(1, skipped)
        lease.done(5, None)
    lease_of(records, job, 1, WEBHOOK.uid).checkpoint(1, Skipped(1, rows[:1]))  # not done yet
    named = [(0, rows[0]), (0, rows[1]), *((2, row) for row in rows[:-2])]
    assert records.receipts.left_out(job) == {WEBHOOK.uid: LeftOut(MOST_NAMED + 9, tuple(named))}


def test_the_rows_recorded_as_done_are_summed_for_each_destination(records: Records) -> None:
    job, _ = records.transporting(chunks=2)
    for chunk in (0, 1):
        lease_of(records, job, chunk, KAFKA.uid).done(5, None)
    lease_of(records, job, 0, WEBHOOK.uid).done(4, None)
    done = records.jobs.rows_done(job)
    assert (done[KAFKA.uid], done[WEBHOOK.uid]) == (10, 4)
    assert unbalanced(job, done) == [WEBHOOK]


@pytest.mark.emulator
def test_what_is_too_much_for_one_sum_is_read(firestore_host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", firestore_host)
    records = in_firestore(firestore.Client(project=f"test-{uuid.uuid4().hex[:12]}"))
    job, _ = records.transporting(chunks=2)
    lease = lease_of(records, job, 0, KAFKA.uid)
    lease.checkpoint(1, Skipped(1, (OversizedRow(0, None, 9, None),)))
    lease.done(5, None)
    lease_of(records, job, 1, KAFKA.uid).done(4, None)
    lease_of(records, job, 1, WEBHOOK.uid)
    summed = records.jobs.rows_done(job)

    def too_much(*_: object) -> None:
        raise DeadlineExceeded("the sum takes too long")  # type: ignore[no-untyped-call]  # untyped there

    monkeypatch.setattr(firestore_destinations, "rows_done", too_much)
    assert records.jobs.rows_done(job) == summed == {KAFKA.uid: 9, WEBHOOK.uid: 0}


def test_the_first_chunk_that_is_not_whole_is_named(records: Records) -> None:
    job, _ = records.transporting()
    assert records.jobs.unequal_chunk(job, KAFKA.uid) == 0
    for chunk in (0, 1, 2):
        lease_of(records, job, chunk, KAFKA.uid).done(5, None)
        lease_of(records, job, chunk, WEBHOOK.uid).done(6 if chunk == 1 else 5, None)
    assert records.jobs.unequal_chunk(job, KAFKA.uid) is None
    assert records.jobs.unequal_chunk(job, WEBHOOK.uid) == 1
