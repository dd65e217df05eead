"""What Kafka committed without a record stays unknown through any number of retries and pauses.

A job that goes on may stop again before it reached Kafka. The markers' age counts from its first stop.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from shared.destinations import destination
from shared.domain.errors import BackfillError, StateConflict, Unavailable
from shared.domain.jobs import Job, JobStatus
from shared.steps.sending import ChunkDelivery
from tests.fakes.examples import new_job
from tests.unit.steps.world import KEPT, SWEEPING, World


def unavailable(*_: object) -> None:
    raise Unavailable("Kafka")


DAY = timedelta(days=1).total_seconds()
THEIRS = destination(
    type="external_kafka",
    name="theirs",
    uid="theirs-uid",
    bootstrap_servers="k.example.com:9092",
    topic="t",
    security_protocol="SSL",
)


class Cluster:
    """A client's own cluster, which forgets markers and is out of reach at first. It has the job's first
    chunk, and the answer was lost.
    """

    def __init__(self) -> None:
        self.world = world = World()
        new = new_job(destinations=(THEIRS,), time_created=world.clock.now())
        self.job, _ = world.staged(new)
        lease = world.deliveries.take(self.job, 0, THEIRS.uid)
        assert lease is not None
        world.log.commit((self.job.require_attempt().attempt_id, 0), [(0, row) for row in range(5)])
        lease.release()
        self.away = True
        self.began = world.clock.monotonic()
        self._answer = world.markers.committed
        world.faults.instead["LogMarkers.committed"] = self._committed

    def _committed(self, delivery: ChunkDelivery) -> bool:
        self.world.faults.instead["LogMarkers.committed"] = self._committed
        if self.away:
            raise Unavailable("Kafka")
        forgotten = self.world.clock.monotonic() - self.began > KEPT.markers.total_seconds()
        return not forgotten and self._answer(delivery)

    def stop(self, act: Callable[[Job], object]) -> Job:
        """Stop the job, and handle what that published."""
        self.world.queue.taken()
        act(self.world.now(self.job))
        self.settle()
        return self.world.now(self.job)

    def settle(self) -> None:
        for message in self.world.queue.taken():
            try:
                self.world.handle.run(message)
            except BackfillError:
                continue

    def fail(self, job: Job) -> Job:
        return self.world.finish.fail(job.organization_id, job.job_id, "why", retry=job.retry)

    def on_day(self, day: float) -> None:
        self.world.clock.sleep(self.began + day * DAY - self.world.clock.monotonic())

    def returns(self) -> None:
        """Answer again. Markers that are too old are gone."""
        self.away = False
        if self.world.clock.monotonic() - self.began > KEPT.markers.total_seconds():
            committed = self.world.log.committed
            committed["forgotten", 0] = committed.pop((self.job.require_attempt().attempt_id, 0))

    def rows_repeated(self) -> int:
        return sum(times > 1 for times in Counter(self.world.log.rows()).values())


WAYS = ("retries", "pauses")


def stop_and_go_on(cluster: Cluster, way: str) -> tuple[Callable[[Job], object], Callable[[Job], Job]]:
    if way == "retries":
        return cluster.fail, cluster.world.retry
    return cluster.world.pause, cluster.world.resume


@pytest.mark.parametrize("way", WAYS)
def test_a_second_stop_gives_the_markers_no_more_time(way: str) -> None:
    cluster = Cluster()
    stop, go_on = stop_and_go_on(cluster, way)
    first = cluster.stop(stop)
    assert not first.reconciled
    cluster.on_day(4)
    again = go_on(cluster.job)
    assert again.unreconciled_since == first.unknown_since
    cluster.on_day(4.6)
    second = cluster.stop(stop)
    assert (second.reconciled, second.unknown_since) == (False, first.unknown_since)
    cluster.on_day(8.6)
    cluster.away = False
    with pytest.raises(StateConflict, match="which of its rows external_kafka theirs has"):
        go_on(cluster.job)
    assert cluster.world.now(cluster.job) == second


@pytest.mark.parametrize("way", WAYS)
def test_who_asks_after_the_markers_are_gone_has_learnt_nothing(way: str) -> None:
    cluster = Cluster()
    stop, go_on = stop_and_go_on(cluster, way)
    cluster.stop(stop)
    cluster.on_day(6.9)
    go_on(cluster.job)
    cluster.on_day(7.5)
    cluster.away = False
    assert not cluster.stop(stop).reconciled
    with pytest.raises(StateConflict, match="external_kafka theirs"):
        go_on(cluster.job)


@pytest.mark.parametrize("way", WAYS)
def test_who_asks_in_time_after_the_second_stop_learns_all(way: str) -> None:
    cluster = Cluster()
    stop, go_on = stop_and_go_on(cluster, way)
    cluster.stop(stop)
    cluster.on_day(4)
    go_on(cluster.job)
    cluster.on_day(4.6)
    cluster.away = False
    assert cluster.stop(stop).reconciled
    cluster.on_day(12)
    assert go_on(cluster.job).unreconciled_since is None
    cluster.world.run()
    assert cluster.world.now(cluster.job).status is JobStatus.COMPLETED
    assert cluster.rows_repeated() == 0


def test_a_stop_counts_whatever_kind_it_is() -> None:
    cluster = Cluster()
    paused = cluster.stop(cluster.world.pause)
    cluster.on_day(3)
    cluster.world.resume(cluster.job)
    failed = cluster.stop(cluster.fail)
    assert failed.unknown_since == paused.time_paused
    cluster.on_day(7.1)
    with pytest.raises(StateConflict, match="external_kafka theirs"):
        cluster.world.retry(cluster.job)


@pytest.mark.parametrize("way", WAYS)
def test_a_job_that_stopped_before_it_had_chunks_has_nothing_unknown(way: str) -> None:
    world = World(polls=1000)
    job = world.accept()
    [message] = world.queue.taken()
    world.handle.run(message)
    if way == "pauses":
        world.pause(job)
        assert world.resume(job).unreconciled_since is None
    else:
        world.finish.fail("acme", job.job_id, "why", retry=0)
        assert world.retry(job).unreconciled_since is None


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("stopped", "went_on"), [(0.6, 7.3), (0.0, 6.9)], ids=["before the stop", "after it"]
)
def test_a_job_that_goes_on_in_time_does_not_send_what_it_reaches_too_late(
    way: str, stopped: float, went_on: float
) -> None:
    """The commit may be older than the stop, or the cluster away for longer."""
    cluster = Cluster()
    stop, go_on = stop_and_go_on(cluster, way)
    cluster.on_day(stopped)
    cluster.stop(stop)
    cluster.on_day(went_on)
    go_on(cluster.job)
    cluster.on_day(7.35)
    cluster.returns()
    cluster.world.run()
    failed = cluster.world.now(cluster.job)
    assert (failed.status, failed.reconciled) == (JobStatus.FAILED, False)
    assert "The delivery of a chunk to external_kafka theirs began so long ago" in (
        failed.error_message or ""
    )
    assert cluster.rows_repeated() == 0


@pytest.mark.parametrize("way", WAYS)
def test_a_late_answer_about_a_commit_from_before_the_stop_tells_nothing(way: str) -> None:
    cluster = Cluster()
    stop, go_on = stop_and_go_on(cluster, way)
    cluster.on_day(0.6)
    cluster.stop(stop)
    cluster.on_day(7.3)
    go_on(cluster.job)
    cluster.returns()
    assert not cluster.stop(stop).reconciled


def test_a_chunk_that_was_first_begun_later_is_sent_all_the_same() -> None:
    world = World()
    world.sweep = replace(world.sweep, limits=replace(SWEEPING, job=30 * DAY))
    job, _ = world.staged(new_job(destinations=(THEIRS,), time_created=world.clock.now()))
    world.pause(job)
    assert world.resume(job).unreconciled_since is not None
    world.clock.sleep(8 * DAY)
    world.faults.instead["Log.commit"] = unavailable
    world.run()
    assert world.now(job).status is JobStatus.COMPLETED


def test_a_job_all_of_whose_begun_chunks_are_recorded_is_known_however_late() -> None:
    world = World()
    job, messages = world.staged(new_job(destinations=(THEIRS,), time_created=world.clock.now()))
    world.deliver.run(messages[0])
    world.pause(job)
    world.resume(job)
    world.clock.sleep(8 * DAY)
    world.queue.taken()
    world.pause(job)
    [settle] = world.queue.taken()
    world.handle.run(settle)
    assert world.now(job).reconciled


def test_what_a_pause_found_out_is_known_when_the_paused_job_ends() -> None:
    cluster = Cluster()
    cluster.away = False
    cluster.world.log.committed.clear()
    assert cluster.stop(cluster.world.pause).reconciled
    cluster.on_day(10)
    failed = cluster.stop(cluster.fail)
    assert (failed.reconciled, failed.torn_down) == (True, True)
    assert cluster.world.retry(cluster.job).unreconciled_since is None
    cluster.world.run()
    assert cluster.world.now(cluster.job).status is JobStatus.COMPLETED
