"""The guarantees of delivery records, tested with Firestore and the fake."""

import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any
from unittest.mock import Mock

import pytest
from google.api_core.exceptions import FailedPrecondition, ServiceUnavailable
from google.cloud import firestore

from shared.adapters.firestore_documents import plain_time
from shared.domain.errors import Busy, Unavailable
from shared.domain.jobs import Job
from shared.domain.oversized import NONE_SKIPPED, OversizedRow, Skipped
from shared.domain.pieces import NOT_SPLIT, Ceiling, Piece, Splits
from shared.steps.records import Lease
from tests.contract.records import LEASE, Records, in_firestore
from tests.fakes.examples import KAFKA, WEBHOOK

WRITES: dict[str, Callable[[Lease], None]] = {
    "renew": lambda lease: lease.renew(),
    "checkpoint": lambda lease: lease.checkpoint(9),
    "done": lambda lease: lease.done(5, None),
}


def taken(records: Records, job: Job, chunk: int = 0, uid: str = WEBHOOK.uid) -> Lease:
    """Take a lease that must be free."""
    lease = records.deliveries.take(job, chunk, uid)
    assert lease is not None
    return lease


def test_a_first_lease_starts_at_the_first_batch(records: Records) -> None:
    job, _ = records.transporting()
    assert taken(records, job).first_batch == 0


def test_while_a_lease_lives_nobody_else_gets_one(records: Records) -> None:
    job, _ = records.transporting()
    taken(records, job)
    records.clock.sleep(LEASE - 0.001)
    with pytest.raises(Busy):
        records.deliveries.take(job, 0, WEBHOOK.uid)


def test_leases_of_other_chunks_and_destinations_are_independent(records: Records) -> None:
    job, _ = records.transporting()
    taken(records, job, 0, WEBHOOK.uid)
    taken(records, job, 1, WEBHOOK.uid)
    taken(records, job, 0, KAFKA.uid)


def test_of_many_takers_at_once_exactly_one_gets_the_lease(records: Records) -> None:
    job, _ = records.transporting()

    def take(_: int) -> bool:
        try:
            return records.deliveries.take(job, 0, KAFKA.uid) is not None
        except Busy:
            return False

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(take, range(8))) == 1
        records.clock.sleep(LEASE)
        assert sum(pool.map(take, range(8))) == 1


def test_a_renewed_lease_lives_another_length(records: Records) -> None:
    job, _ = records.transporting()
    lease = taken(records, job)
    records.clock.sleep(LEASE - 1)
    lease.renew()
    records.clock.sleep(LEASE - 1)
    with pytest.raises(Busy):
        records.deliveries.take(job, 0, WEBHOOK.uid)


def test_a_silent_holder_is_taken_over_where_it_left_off(records: Records) -> None:
    job, _ = records.transporting()
    taken(records, job).checkpoint(3)
    records.clock.sleep(LEASE)
    assert taken(records, job).first_batch == 3


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES.keys())
def test_after_a_takeover_all_that_the_old_holder_writes_is_refused(
    records: Records, write: Callable[[Lease], None]
) -> None:
    job, _ = records.transporting()
    old = taken(records, job)
    old.checkpoint(3)
    records.clock.sleep(LEASE)
    new = taken(records, job)
    with pytest.raises(Busy):
        write(old)
    assert records.deliveries.begun(job) == {0: set()}
    new.release()
    assert taken(records, job).first_batch == 3


def test_what_was_skipped_is_kept_with_the_checkpoint_and_the_later_word_holds(records: Records) -> None:
    job, _ = records.transporting()
    lease = taken(records, job)
    assert lease.skipped == NONE_SKIPPED
    first = Skipped(1, (OversizedRow(3, "key-3", 6_000, 5_000),))
    both = first + Skipped(1, (OversizedRow(4, None, 7_000, None),))
    lease.checkpoint(2, first)
    lease.checkpoint(3, both)
    assert lease.skipped == both
    lease.release()
    again = taken(records, job)
    assert (again.first_batch, again.skipped) == (3, both)
    records.clock.sleep(LEASE)
    assert taken(records, job).skipped == both


def test_how_batches_are_cut_is_kept_with_the_checkpoint_and_the_later_word_holds(records: Records) -> None:
    job, _ = records.transporting()
    lease = taken(records, job)
    assert lease.splits == NOT_SPLIT
    first = Splits(0, frozenset({Piece(0, 10), Piece(0, 5)}), (Ceiling(20, 9_000), Ceiling(30, 500)))
    later = Splits(25, frozenset(), (Ceiling(20, 9_000),))
    lease.checkpoint(0, splits=first)
    assert lease.splits == first
    lease.release()
    again = taken(records, job)
    assert (again.first_batch, again.splits) == (0, first)
    again.checkpoint(2, splits=later)
    again.checkpoint(3, splits=later)
    records.clock.sleep(LEASE)
    last = taken(records, job)
    assert (last.first_batch, last.splits, last.skipped) == (3, later, NONE_SKIPPED)


def test_letting_go_of_a_lost_lease_leaves_the_new_one_alone(records: Records) -> None:
    job, _ = records.transporting()
    old = taken(records, job)
    records.clock.sleep(LEASE)
    taken(records, job)
    old.release()
    with pytest.raises(Busy):
        records.deliveries.take(job, 0, WEBHOOK.uid)


def test_an_expired_lease_that_nobody_took_is_still_its_holders(records: Records) -> None:
    job, _ = records.transporting()
    lease = taken(records, job)
    records.clock.sleep(10 * LEASE)
    lease.done(5, None)
    assert records.deliveries.take(job, 0, WEBHOOK.uid) is None


def test_a_released_lease_need_not_be_waited_for(records: Records) -> None:
    job, _ = records.transporting()
    lease = taken(records, job)
    lease.checkpoint(2)
    lease.release()
    assert taken(records, job).first_batch == 2


def test_what_a_destination_has_is_not_leased_again(records: Records) -> None:
    job, _ = records.transporting()
    taken(records, job).done(5, None)
    assert records.deliveries.take(job, 0, WEBHOOK.uid) is None


def test_a_delivery_began_when_its_first_lease_was_taken(records: Records) -> None:
    job, _ = records.transporting()
    began = records.clock.now()
    assert taken(records, job).began == began
    records.clock.sleep(LEASE)
    again = taken(records, job)
    assert again.began == began
    again.release()
    assert taken(records, job).began == began
    assert taken(records, job, 1).began == records.clock.now()


def test_the_oldest_delivery_is_that_of_the_destinations_which_is_not_done(records: Records) -> None:
    job, _ = records.transporting()
    other, _ = records.transporting()
    taken(records, other, 0, KAFKA.uid)
    taken(records, job, 0, WEBHOOK.uid)
    finished = taken(records, job, 0, KAFKA.uid)
    assert records.deliveries.oldest(job, {KAFKA.uid}) == records.clock.now()
    assert records.deliveries.oldest(job, {"none"}) is None
    records.clock.sleep(1)
    taken(records, job, 1, KAFKA.uid).release()
    second = records.clock.now()
    records.clock.sleep(1)
    taken(records, job, 2, KAFKA.uid)
    finished.renew()
    finished.done(5, None)
    assert records.deliveries.oldest(job, {KAFKA.uid}) == second


@pytest.mark.emulator
def test_a_record_of_an_older_release_began_when_it_was_created(
    firestore_host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", firestore_host)
    client = firestore.Client(project=f"test-{uuid.uuid4().hex[:12]}")
    records = in_firestore(client)
    job, _ = records.transporting()
    taken(records, job).release()
    [record] = list(client.collection_group("deliveries").stream())
    record.reference.update({"began": firestore.DELETE_FIELD})
    lease = taken(records, job)
    assert lease.began == plain_time(record.reference.get().create_time)
    assert records.deliveries.oldest(job, {WEBHOOK.uid}) == lease.began


def test_of_each_chunk_that_was_begun_it_is_known_which_destinations_have_it(records: Records) -> None:
    job, _ = records.transporting()
    other, _ = records.transporting()
    assert records.deliveries.begun(job) == {}
    taken(records, other, 1, KAFKA.uid).done(5, None)
    taken(records, job, 0, KAFKA.uid).done(5, None)
    taken(records, job, 0, WEBHOOK.uid).release()
    taken(records, job, 2, KAFKA.uid)
    assert records.deliveries.begun(job) == {0: {KAFKA.uid}, 2: set()}
    taken(records, job, 0, WEBHOOK.uid).done(5, None)
    assert records.deliveries.begun(job) == {0: {KAFKA.uid, WEBHOOK.uid}, 2: set()}


def test_a_chunk_was_begun_once_anybody_had_a_lease_on_it_whatever_became_of_that(records: Records) -> None:
    job, _ = records.transporting()
    other, _ = records.transporting()
    taken(records, other, 0)
    assert not records.deliveries.ever_begun(job, 0)
    taken(records, job, 0).release()
    taken(records, job, 1, KAFKA.uid).done(5, None)
    assert [records.deliveries.ever_begun(job, number) for number in range(3)] == [True, True, False]


def test_a_job_is_leased_while_any_of_its_leases_lives(records: Records) -> None:
    job, _ = records.transporting()
    assert not records.deliveries.leased(job)
    first, _ = taken(records, job, 0), taken(records, job, 1)
    first.done(5, None)
    assert records.deliveries.leased(job)
    assert [records.deliveries.leased(job, number) for number in (0, 1)] == [False, True]
    records.clock.sleep(LEASE)
    assert not records.deliveries.leased(job)


def test_a_lease_is_of_the_opening_it_was_taken_for(records: Records) -> None:
    job, _ = records.transporting()
    later = replace(job, opening=job.opening + 1)
    taken(records, job, 0)
    assert records.deliveries.leased(job, 0, opening=job.opening)
    assert not records.deliveries.leased(job, 0, opening=later.opening)
    records.clock.sleep(LEASE)
    taken(records, later, 0)
    assert not records.deliveries.leased(job, 0, opening=job.opening)
    assert records.deliveries.leased(job, 0, opening=later.opening)


def test_a_job_that_was_never_staged_has_no_leases(records: Records) -> None:
    assert not records.deliveries.leased(records.created())


def test_the_heartbeat_and_the_sender_write_through_one_lease(records: Records) -> None:
    job, _ = records.transporting()
    lease = taken(records, job)

    def beat() -> None:
        for _ in range(10):
            lease.renew()

    def send() -> None:
        for batch in range(10):
            lease.checkpoint(batch)

    with ThreadPoolExecutor(2) as pool:
        for done in [pool.submit(beat), pool.submit(send)]:
            done.result()
    lease.release()
    assert taken(records, job).first_batch == 9


@pytest.mark.emulator
@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
def test_a_holder_whose_renewal_got_through_without_an_answer_still_holds_it(
    firestore_host: str, monkeypatch: pytest.MonkeyPatch, write: Callable[[Lease], None]
) -> None:
    monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", firestore_host)
    records = in_firestore(firestore.Client(project=f"test-{uuid.uuid4().hex[:12]}"))
    job, _ = records.transporting()
    lease = taken(records, job)
    update = firestore.DocumentReference.update

    def lose_the_answer(*arguments: Any, **options: Any) -> Any:
        update(*arguments, **options)
        raise ServiceUnavailable("the answer was lost")  # type: ignore[no-untyped-call]  # untyped there

    with monkeypatch.context() as patch:
        patch.setattr(firestore.DocumentReference, "update", lose_the_answer)
        with pytest.raises(Unavailable):
            lease.renew()
    records.clock.sleep(1.0)
    write(lease)
    lease.release()


@pytest.mark.emulator
def test_a_holder_that_lost_answer_and_lease_is_told(
    firestore_host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another holder takes over between this one's read of the record and its second write."""
    monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", firestore_host)
    records = in_firestore(firestore.Client(project=f"test-{uuid.uuid4().hex[:12]}"))
    job, _ = records.transporting()
    lease = taken(records, job)
    refused = FailedPrecondition("somebody was faster")  # type: ignore[no-untyped-call]  # untyped there
    monkeypatch.setattr(firestore.DocumentReference, "update", Mock(side_effect=refused))
    with pytest.raises(Busy):
        lease.renew()
