"""How a chunk's batches are split for a receiver that refuses their size."""

from dataclasses import replace

import hypothesis.strategies as some
from hypothesis import given

from shared.domain.pieces import NOT_SPLIT, Ceiling, Piece, Splits


@given(some.integers(0, 1_000), some.integers(2, 1_000))
def test_halves_are_the_piece(first: int, rows: int) -> None:
    left, right = Piece(first, rows).halves()
    assert (left.first, left.end, right.end) == (first, right.first, first + rows)
    assert 0 <= left.rows - right.rows <= 1


def test_nothing_is_halved_before_something_was_refused() -> None:
    assert not NOT_SPLIT.halved(Piece(0, 500), 10**9)
    assert NOT_SPLIT.acknowledge(Piece(0, 500)) is NOT_SPLIT


def test_what_was_refused_is_halved_and_what_was_sent_beside_it_is_not() -> None:
    splits = NOT_SPLIT.refuse(Piece(0, 10), 900, unsent=20)
    assert splits.halved(Piece(0, 10), 900)
    assert not splits.halved(Piece(10, 10), 5_000)


def test_what_was_not_yet_sent_is_halved_from_the_smallest_refused_size_on() -> None:
    splits = NOT_SPLIT.refuse(Piece(0, 10), 900, unsent=20).refuse(Piece(10, 10), 1_000, unsent=30)
    assert splits.ceilings == (Ceiling(20, 900),)
    assert splits.halved(Piece(20, 10), 900)
    assert not splits.halved(Piece(20, 10), 899)
    smaller = splits.refuse(Piece(0, 5), 450, unsent=30)
    assert smaller.ceilings == (Ceiling(20, 900), Ceiling(30, 450))
    assert not smaller.halved(Piece(20, 10), 450)
    assert smaller.halved(Piece(30, 10), 450)
    assert smaller.refuse(Piece(0, 3), 300, unsent=30).ceilings == (Ceiling(20, 900), Ceiling(30, 300))


def test_one_row_is_always_sent_since_the_receiver_may_take_larger_ones_by_now() -> None:
    splits = NOT_SPLIT.refuse(Piece(0, 2), 900, unsent=2)
    assert not splits.halved(Piece(2, 1), 10**9)


def test_what_no_longer_matters_is_forgotten() -> None:
    splits = Splits(
        0,
        frozenset({Piece(0, 10), Piece(0, 5), Piece(10, 10)}),
        (Ceiling(5, 900), Ceiling(10, 800), Ceiling(20, 700)),
    )
    half = splits.acknowledge(Piece(0, 5))
    assert half == replace(splits, acknowledged=5, refused=frozenset({Piece(0, 10), Piece(10, 10)}))
    assert half.acknowledge(Piece(5, 5)) == Splits(
        10, frozenset({Piece(10, 10)}), (Ceiling(10, 800), Ceiling(20, 700))
    )
    assert half.acknowledge(Piece(10, 10)) == Splits(20, frozenset(), (Ceiling(20, 700),))
