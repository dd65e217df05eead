"""Rows encoded ahead keep their order, within a bound, and errors are raised in their turn."""

import pytest

from shared.destinations.read_ahead import ReadAhead
from shared.domain.errors import DeliveryStopped
from tests.fakes.sending import NumberedRows, SteadyPulse


def never() -> bool:
    return False


def ahead_of(rows: NumberedRows, pulse: SteadyPulse | None = None) -> ReadAhead:
    return ReadAhead(rows.batches(10), pulse or SteadyPulse())


@pytest.mark.parametrize("most", [0, 1, 1_000, 100_000])
def test_every_batch_comes_once_and_in_order_however_many_were_read_ahead(most: int) -> None:
    ahead = ahead_of(NumberedRows(95))
    ahead.fill(most, enough=never)
    assert [batch.first_row for batch in ahead] == [*range(0, 95, 10)]


def test_no_more_is_read_ahead_than_may_be_held() -> None:
    read: list[int] = []
    rows = NumberedRows(95, before=read.append)
    one = next(rows.batches(10)).size
    read.clear()
    ahead_of(rows).fill(one + 1, enough=never)
    assert read == [0, 10]


def test_it_ends_when_there_is_enough() -> None:
    read: list[int] = []
    ahead_of(NumberedRows(95, before=read.append)).fill(100_000, enough=lambda: len(read) == 2)
    assert read == [0, 10]


def test_an_error_comes_after_the_batches_before_it() -> None:
    def fail(first_row: int) -> None:
        if first_row == 20:
            raise OSError("the staged file went away")

    ahead = ahead_of(NumberedRows(95, before=fail))
    ahead.fill(100_000, enough=never)
    batches = iter(ahead)
    assert [next(batches).first_row, next(batches).first_row] == [0, 10]
    with pytest.raises(OSError, match="went away"):
        next(batches)


def test_nothing_is_read_ahead_for_a_job_that_ended() -> None:
    read: list[int] = []
    ahead = ahead_of(
        NumberedRows(95, before=read.append), SteadyPulse(reason=DeliveryStopped("the job was cancelled"))
    )
    ahead.fill(100_000, enough=never)
    assert read == []
    with pytest.raises(DeliveryStopped):
        next(iter(ahead))
