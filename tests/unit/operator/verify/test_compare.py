"""Rows at a place that several jobs share: what is proven, what differs, and what cannot be told apart."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import islice
from pathlib import Path
from tempfile import mkdtemp
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest

from shared.destinations.kind import FoundRow
from shared.domain.destination import Destination
from shared.domain.jobs import Job, JobStatus
from shared.domain.messages import DeliverChunk
from shared.domain.receipt import ChunkReceipt
from shared.operator.verify.compare import Comparison, Outcome, Verdict
from shared.operator.verify.spans import Span, span_of
from tests.fakes.destinations import kafka
from tests.fakes.examples import KAFKA, new_job
from tests.fakes.receipts import FakeReceipts
from tests.unit.steps.world import World

if TYPE_CHECKING:
    from shared.operator.verify.table import Table

EQUAL, DIFFERENT, UNSURE = Outcome.EQUAL, Outcome.DIFFERENT, Outcome.UNSURE
LABELLED = kafka("transfers", "labelled-uid", delivery="at_least_once")


@dataclass
class Topic:
    """A topic with what the world's transactions committed, and its comparison.

    ``meanwhile`` happens once, between the first receipts and the reading of the rows. ``lost``: how many of
    the first rows are gone. ``more``: other rows. ``slices``: the slices of some jobs; others have the
    world's rows. ``forgotten``: jobs whose receipt is no longer kept.
    """

    world: World
    folder: Path
    meanwhile: list[Callable[[], object]] = field(default_factory=list)
    lost: int = 0
    more: list[FoundRow] = field(default_factory=list)
    slices: dict[str, list[bytes]] = field(default_factory=dict)
    forgotten: list[Job] = field(default_factory=list)

    def counts(self, job: Job) -> Verdict:
        return self._comparison(job).counts(self.span(job))

    def table(self, job: Job) -> Verdict:
        return self._comparison(job).rows(self.span(job), cast("Table", self))

    def span(self, job: Job) -> Span:
        forgotten = {one.job_id for one in self.forgotten}
        stored = [one.job for one in self.world.jobs.stored.values() if one.job.num_chunks is not None]
        sent = [
            (replace(one, records_removed=one.job_id in forgotten), one.destinations[0]) for one in stored
        ]
        (first,) = (one for one in sent if one[0].job_id == job.job_id)
        return span_of(first, [one for one in sent if one != first], self.world.clock.now())

    def _comparison(self, job: Job) -> Comparison:
        return Comparison(
            reader=self,
            receipts=FakeReceipts(self.world.chunks, self.world.deliveries),
            look_again=lambda: self.span(job),
            most=2,
            folder=Path(mkdtemp(dir=self.folder)),
        )

    def name_of(self, organization_id: str, destination: Destination) -> str:
        return f"{organization_id} {destination.name}"

    def local_name_of(self, organization_id: str, destination: Destination) -> str:
        return self.name_of(organization_id, destination)

    def owner_of(self, *_: object) -> str:
        return "the world"

    def rows(self, organization_id: str, destination: Destination, *_: datetime) -> Iterator[FoundRow]:
        """Read the topic, as a Reader does."""
        assert self.name_of(organization_id, destination) == "acme transfers"
        while self.meanwhile:
            self.meanwhile.pop()()
        rows = [found(chunk, row) for chunk, row in self.world.log.rows()]
        yield from [*rows[self.lost :], *self.more]

    @contextmanager
    def of(self, job: Job) -> Iterator[Any]:
        """Unload the job's slice, as a Table does."""
        rows = self.slices.get(job.job_id, [found(*divmod(row, 5)).value for row in range(13)])
        yield SimpleNamespace(rows=lambda _destination: iter([(None, value) for value in rows]))


def found(chunk: int, row: int, label: Job | None = None) -> FoundRow:
    value = f"{chunk},{row}".encode()
    return FoundRow(None, value, "here", None if label is None else (label.job_id, chunk, row))


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def topic(world: World, tmp_path: Path) -> Topic:
    return Topic(world, tmp_path)


def staged(world: World, destination: Destination = KAFKA) -> tuple[Job, list[DeliverChunk]]:
    return world.staged(new_job(destinations=(destination,), time_created=world.clock.now()))


def completed(world: World, destination: Destination = KAFKA) -> Job:
    job, messages = staged(world, destination)
    for message in messages:
        world.handle.run(message)
    world.queue.taken()  # the teardown, which removes nothing that matters here
    assert world.now(job).status is JobStatus.COMPLETED
    return world.now(job)


def cancelled(world: World) -> Job:
    """Return a cancelled and torn down job, one of whose three chunks has arrived."""
    job, messages = staged(world)
    world.handle.run(messages[0])
    world.cancel(job)
    world.run(0.1)
    assert world.now(job).reconciled
    return world.now(job)


def lines(verdict: Verdict, outcome: Outcome) -> tuple[str, ...]:
    assert verdict.outcome is outcome, verdict
    return verdict.lines


def test_a_job_that_was_created_again_after_a_cancel_is_equal(world: World, topic: Topic) -> None:
    mistaken, job = cancelled(world), completed(world)
    for verdict in (topic.counts(job), topic.table(job)):
        assert lines(verdict, EQUAL) == ()
        assert mistaken.job_id in verdict.summary


def test_a_row_is_missing_also_if_the_cancelled_job_has_sent_it(world: World, topic: Topic) -> None:
    _, job = cancelled(world), completed(world)
    topic.lost = 2
    assert lines(topic.counts(job), DIFFERENT) == ("missing: 2 rows; --table names them",)
    assert lines(topic.table(job), DIFFERENT) == ("missing: 2 rows, of rows that both slices have",)


def test_a_row_is_too_many_if_no_slice_has_it_or_no_job_has_sent_it(world: World, topic: Topic) -> None:
    _, job = cancelled(world), completed(world)
    topic.more = [found(9, 9)]
    assert lines(topic.table(job), DIFFERENT) == ("too many: here, key none: 9,9",)
    topic.more = [found(2, 0)]
    assert lines(topic.table(job), DIFFERENT) == ("too many: 1 rows, of rows that both slices have",)


def test_completed_jobs_are_compared_together(world: World, topic: Topic) -> None:
    job, _ = completed(world), completed(world)
    verdict = topic.table(job)
    assert lines(verdict, EQUAL) == ()
    assert verdict.summary == "26 rows are in the slice, 26 were found: 0 missing, 0 too many"
    topic.lost = 1
    assert lines(topic.table(job), DIFFERENT) == ("missing: key none: 0,0",)


def test_a_receipt_that_is_no_longer_kept_leaves_it_open(world: World, topic: Topic) -> None:
    old, job = cancelled(world), completed(world)
    topic.forgotten = [old]
    why = f"job {old.job_id} sent there at the same time, and its receipt is no longer kept"
    assert lines(topic.counts(job), UNSURE) == (why,)
    assert lines(topic.table(job), UNSURE) == (why,)


def test_what_no_receipt_could_explain_differs(world: World, topic: Topic) -> None:
    old, job = completed(world), completed(world)
    topic.forgotten = [old]
    assert (topic.counts(job).outcome, topic.table(job).outcome) == (UNSURE, UNSURE)
    topic.more = [found(2, 0)]
    assert lines(topic.counts(job), DIFFERENT)[0] == "too many: 1 rows; --table names them"
    assert lines(topic.table(job), DIFFERENT) == ("too many: here, key none: 2,0",) * 3


def test_a_receipt_that_is_removed_while_it_is_read_leaves_it_open(
    world: World, topic: Topic, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, job = cancelled(world), completed(world)
    chunks = FakeReceipts.chunks

    def two_less(receipts: FakeReceipts, of: Job, start: int = 0) -> Iterator[ChunkReceipt]:
        return islice(chunks(receipts, of, start), 1 if of.job_id == old.job_id else None)

    monkeypatch.setattr(FakeReceipts, "chunks", two_less)
    assert topic.counts(job).outcome is UNSURE


def test_a_chunk_that_arrives_during_the_reading_leaves_it_open(world: World, topic: Topic) -> None:
    job, (running, messages) = completed(world), staged(world)
    topic.meanwhile = [lambda: world.handle.run(messages[0])]
    why = f"job {running.job_id} is still transporting: verify again after its end"
    assert lines(topic.counts(job), UNSURE) == (why,)
    topic.meanwhile = [lambda: world.handle.run(messages[1])]
    assert lines(topic.table(job), UNSURE) == (why,)
    assert lines(topic.counts(job), EQUAL) == ()
    topic.meanwhile = [lambda: world.handle.run(messages[2])]
    assert lines(topic.counts(job), UNSURE) == (
        f"job {running.job_id} was completed meanwhile: verify again",
    )


def test_a_job_that_begins_during_the_reading_leaves_it_open(world: World, topic: Topic) -> None:
    job = completed(world)
    topic.meanwhile = [lambda: completed(world)]
    assert "was completed meanwhile" in lines(topic.counts(job), UNSURE)[0]
    topic.meanwhile = [lambda: completed(world)]
    assert "was completed meanwhile" in lines(topic.table(job), UNSURE)[0]
    assert lines(topic.table(job), EQUAL) == ()


def test_a_committed_chunk_without_a_record_leaves_it_open(world: World, topic: Topic) -> None:
    job, (crashed, messages) = completed(world), staged(world)
    for message in messages:
        world.deliveries.take(crashed, message.chunk, KAFKA.uid)
    world.log.commit((crashed.require_attempt().attempt_id, 0), [(0, row) for row in range(5)])
    assert topic.counts(job).outcome is UNSURE
    world.cancel(crashed)
    why = f"job {crashed.job_id} is cancelled, and not everything that it sent is on record"
    assert lines(topic.counts(job), UNSURE) == (why,)
    assert lines(topic.table(job), UNSURE) == (why,)
    world.run(0.1)  # the teardown finds the marker
    assert lines(topic.counts(job), EQUAL) == ()
    assert lines(topic.table(job), EQUAL) == ()


def test_a_running_job_with_other_rows_leaves_nothing_open(world: World, topic: Topic) -> None:
    running, messages = staged(world)
    world.deliveries.take(running, messages[0].chunk, KAFKA.uid)
    job = completed(world)
    topic.slices = {running.job_id: [b"another row"]}
    assert lines(topic.table(job), EQUAL) == ()
    topic.more = [replace(found(0, 0), value=b"another row")]
    assert lines(topic.table(job), EQUAL) == ()
    topic.more *= 2
    assert lines(topic.table(job), DIFFERENT) == ("too many: here, key none: another row",) * 2


def test_a_running_job_is_told_of_as_such(world: World, topic: Topic) -> None:
    job, messages = staged(world)
    topic.meanwhile = [lambda: world.handle.run(messages[0])]
    assert lines(topic.counts(job), UNSURE) == (
        f"job {job.job_id} is still transporting: verify again after its end",
    )


def test_rows_that_name_themselves_are_told_apart_from_all_others(world: World, topic: Topic) -> None:
    other, (running, messages) = completed(world), staged(world)
    world.handle.run(messages[0])
    job, _ = staged(world, LABELLED)
    for chunk in world.chunks.undelivered(job):
        world.has_arrived(job, chunk)
    topic.forgotten = [other]
    own = [found(*divmod(row, 5), job) for row in range(13)]
    topic.more = [*own, own[0], found(0, 0, running)]
    verdict = topic.counts(job)
    assert lines(verdict, EQUAL) == ()
    told = "13 rows were delivered, 13 were found, 1 of them repeated under their own labels"
    assert verdict.summary == f"{told}, and 19 of other jobs"
    assert lines(topic.table(job), EQUAL) == ()
    assert lines(topic.counts(other), UNSURE) != ()
    topic.more = own[1:]
    assert lines(topic.counts(job), DIFFERENT) == (f"missing: job {job.job_id}, chunk 0, row 0",)
    assert lines(topic.table(job), DIFFERENT) == ("missing: key none: 0,0",)
