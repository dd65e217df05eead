"""What a failed delivery held is free at once, without the garbage collector."""

import threading
import weakref
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any, NoReturn

import pytest

from shared.domain.avro import Schema
from shared.domain.chunks import Chunk
from shared.domain.errors import DestinationRefused, RetryLater, Unavailable
from shared.steps.ahead import OneAhead
from shared.steps.release import releasing
from shared.steps.sending import ChunkDelivery, EncodedBatch, Pulse, Rows
from shared.steps.tally import Tally
from tests.fakes.collector import without_collector
from tests.fakes.json_only import JsonOnly
from tests.fakes.rows import NumberedBatch, NumberedRows, read_numbered_rows
from tests.unit.steps.world import World


@pytest.fixture(autouse=True)
def _no_collector() -> Iterator[None]:
    with without_collector():
        yield


class Large:
    """What must not stay in memory."""


@dataclass
class Cyclic:
    """Fails while it holds something large, and keeps its error in each place where code does so."""

    held: list["weakref.ref[Large]"] = field(default_factory=list)
    error: Exception | None = None

    def large(self) -> Large:
        large = Large()
        self.held.append(weakref.ref(large))
        return large

    def in_a_variable(self) -> NoReturn:
        _large, error = self.large(), Unavailable("it")
        raise error

    def in_an_object(self) -> NoReturn:
        _large = self.large()
        self.error = Unavailable("it")
        raise self.error

    def in_a_cause(self) -> NoReturn:
        _large = self.large()
        try:
            self.in_a_variable()
        except Unavailable as error:
            raise RetryLater("later") from error

    def in_a_context(self) -> NoReturn:
        try:
            self.in_a_variable()
        except Unavailable:
            try:
                self.in_an_object()
            except Unavailable as second:
                raise RetryLater("later") from second

    def all_gone(self) -> bool:
        return bool(self.held) and all(large() is None for large in self.held)


HOW: list[Callable[[Cyclic], NoReturn]] = [
    Cyclic.in_a_variable,
    Cyclic.in_an_object,
    Cyclic.in_a_cause,
    Cyclic.in_a_context,
]


@pytest.mark.parametrize("how", HOW)
def test_what_the_frames_of_an_error_hold_is_free(how: Callable[[Cyclic], NoReturn]) -> None:
    cyclic = Cyclic()
    with pytest.raises(RetryLater):
        how(cyclic)
    assert not cyclic.all_gone()  # the test would notice
    cyclic = Cyclic()
    with pytest.raises(RetryLater):
        releasing(how, cyclic)
    assert cyclic.all_gone()


def test_a_call_that_succeeds_is_called_as_it_is() -> None:
    assert releasing(divmod, 7, 2) == (3, 1)
    assert releasing(sorted, [1, 2], reverse=True) == [2, 1]


@dataclass
class HoldingSink:
    """Holds a batch that is read ahead, and fails."""

    cyclic: Cyclic
    error: Exception

    def deliver(self, _delivery: ChunkDelivery, rows: Rows, _pulse: Pulse) -> bool:
        _large = self.cyclic.large()
        batches = rows.batches(2)
        next(batches)
        error = self.error
        raise error


@dataclass
class RowsReadAhead:
    """Implements the port Rows; ``ended``: how often reading ahead was stopped."""

    rows: Rows
    ended: list[str]

    def batches(self, *given: Any) -> Iterator[EncodedBatch]:
        return Told(self.rows.batches(*given), self.ended)

    def in_avro(self, schema: Schema, schema_id: int) -> NoReturn:
        raise NotImplementedError


class Told(OneAhead[EncodedBatch]):
    def __init__(self, batches: Iterator[EncodedBatch], ended: list[str]) -> None:
        super().__init__(batches)
        self._told = ended

    def close(self) -> None:
        super().close()
        self._told.append("ended")


@pytest.mark.parametrize("second", [None, Unavailable("it"), DestinationRefused("no")])
def test_a_failed_delivery_leaves_no_batch_and_no_thread(second: Exception | None) -> None:
    """Also beside another destination that takes the chunk, fails too, or fails the job."""
    ended: list[str] = []
    world = World()
    job, messages = world.staged()
    cyclic = Cyclic()
    sinks = dict(world.deliver.sinks) | {"kafka": HoldingSink(cyclic, Unavailable("kafka"))}
    if second is not None:
        sinks["webhook"] = HoldingSink(cyclic, second)
    deliver = replace(
        world.deliver,
        sinks=sinks,
        read_rows=lambda *given: RowsReadAhead(read_numbered_rows(*given), ended),
    )
    with pytest.raises((RetryLater, DestinationRefused)):
        deliver.run(messages[0])
    assert cyclic.all_gone()
    assert len(ended) >= len(job.destinations)
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("one-ahead")]


def test_batches_that_need_no_end_are_read_as_well() -> None:
    tally = Tally(WithoutAnEnd(), Chunk(0, "data_0.parquet", 1, 2))
    assert [batch.rows for batch in tally.batches(2)] == [2]
    tally.close()


def test_reading_again_ends_the_earlier_reading() -> None:
    """Two threads that read ahead would move one file's position under each other."""
    ended: list[str] = []
    rows = RowsReadAhead(NumberedRows(Chunk(0, "data_0.parquet", 1, 9)), ended)
    tally = Tally(rows, Chunk(0, "data_0.parquet", 1, 9))
    for tries in range(3):
        next(tally.batches(2))
        assert len(ended) == tries
        assert len([one for one in threading.enumerate() if one.name.startswith("one-ahead")]) == 1
    tally.close()
    assert len(ended) == 3


class WithoutAnEnd(JsonOnly):
    """Rows whose batches are an iterator that cannot be closed."""

    def batches(self, *_given: Any) -> Iterator[EncodedBatch]:
        return iter([NumberedBatch(0, 0, 2)])
