"""The heartbeat: it holds the lease while rows are sent, and reports when they are no longer wanted."""

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime

from shared.domain.errors import BackfillError, Busy, DeliveryStopped, RetryLater, Unavailable
from shared.domain.oversized import NONE_SKIPPED, Skipped
from shared.domain.pieces import NOT_SPLIT, Piece, Splits
from shared.steps.heartbeat import Heartbeat
from tests.fakes.clock import FakeClock

LEASE = 15.0


SPLITS = Splits(4, frozenset({Piece(4, 2)}))


class RecordedLease:
    """Implements the port Lease; ``refusal``: the error of a renewal."""

    began = datetime(2026, 5, 1, tzinfo=UTC)
    first_batch = 0

    def __init__(self) -> None:
        self.renewed = threading.Event()
        self.renewals = 0
        self.next_batch = 0
        self.refusal: BackfillError | None = None

    def renew(self) -> None:
        self.renewals += 1
        self.renewed.set()
        if self.refusal is not None:
            raise self.refusal

    def checkpoint(
        self, next_batch: int, skipped: Skipped = NONE_SKIPPED, splits: Splits = NOT_SPLIT
    ) -> None:
        self.next_batch, self.skipped, self.splits = next_batch, skipped, splits

    def done(self, rows: int, crc32c: str | None) -> None: ...

    def release(self) -> None: ...


class Watch:
    """A heartbeat on a test's clock; ``looks`` counts its reads of the job."""

    def __init__(self) -> None:
        self.clock, self.lease = FakeClock(), RecordedLease()
        self.wanted = True
        self.outage: Exception | None = None
        self.looks = 0
        self.heartbeat = Heartbeat(
            self.lease,
            self._still_wanted,
            lease_length=LEASE,
            status_pause=0.001,
            deadline=480,
            monotonic=self.clock.monotonic,
        )

    def _still_wanted(self) -> bool:
        self.looks += 1
        if self.outage is not None:
            raise self.outage
        return self.wanted

    def after_some_beats(self) -> None:
        """Return after two more reads of the job, so that earlier beats are complete."""
        enough = self.looks + 2
        until(lambda: self.looks >= enough)

    def stopped_by(self, error: type[BackfillError]) -> None:
        """Fail unless the sender soon gets the reason."""

        def told() -> bool:
            try:
                self.heartbeat.check()
            except error:
                return True
            return False

        until(told)


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.001)


def test_a_lease_is_renewed_after_a_third_of_its_length_and_not_before() -> None:
    watch = Watch()
    with watch.heartbeat as pulse:
        watch.after_some_beats()
        assert watch.lease.renewals == 0
        watch.clock.sleep(LEASE / 3)
        assert watch.lease.renewed.wait(30)
        watch.after_some_beats()
        assert watch.lease.renewals == 1
        pulse.check()


def test_the_sender_is_stopped_when_the_job_has_ended() -> None:
    watch = Watch()
    with watch.heartbeat:
        watch.wanted = False
        watch.stopped_by(DeliveryStopped)


def test_the_sender_is_stopped_when_the_lease_is_lost() -> None:
    watch = Watch()
    watch.lease.refusal = Busy("somebody took over")
    with watch.heartbeat:
        watch.after_some_beats()
        watch.clock.sleep(LEASE / 3)
        watch.stopped_by(Busy)


def test_an_outage_of_the_store_is_outlived_for_as_long_as_the_lease_surely_lives() -> None:
    watch = Watch()
    with watch.heartbeat as pulse:
        watch.after_some_beats()
        watch.outage = Unavailable("the job store")
        watch.clock.sleep(LEASE - 0.1)
        watch.after_some_beats()
        pulse.check()
        watch.clock.sleep(0.1)
        watch.stopped_by(Unavailable)


def test_the_sender_is_stopped_when_the_heart_meets_what_nobody_thought_of() -> None:
    watch = Watch()
    with watch.heartbeat:
        watch.outage = PermissionError("the record may not be read")
        watch.stopped_by(Unavailable)


def test_a_sender_that_hangs_does_not_keep_its_chunk_beyond_the_deadline() -> None:
    watch = Watch()
    with watch.heartbeat:
        watch.after_some_beats()
        watch.clock.sleep(480)
        watch.stopped_by(RetryLater)
        renewals = watch.lease.renewals
        until(lambda: not [thread for thread in threading.enumerate() if thread.name == "heartbeat"])
    assert watch.lease.renewals == renewals


def test_the_heart_stops_with_the_sending() -> None:
    watch = Watch()
    with watch.heartbeat:
        watch.after_some_beats()
    looks = watch.looks
    assert not [thread for thread in threading.enumerate() if thread.name == "heartbeat"]
    assert watch.looks == looks


def test_checkpoints_go_through_the_lease_and_time_is_counted_to_the_deadline() -> None:
    watch = Watch()
    with watch.heartbeat as pulse:
        pulse.checkpoint(3, Skipped(2), SPLITS)
        watch.clock.sleep(100)
        assert pulse.seconds_left() == 380
    assert (watch.lease.next_batch, watch.lease.skipped, watch.lease.splits) == (3, Skipped(2), SPLITS)
