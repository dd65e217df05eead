"""Hashes identify missing and surplus rows; labelled rows take one bit each."""

from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st

from shared.operator.verify.digests import Differences, Digests, differences, digest_of
from shared.operator.verify.labels import Labelled
from tests.examples import examples

Row = tuple[bytes | None, bytes]
ROWS = st.lists(st.tuples(st.none() | st.binary(max_size=2), st.binary(max_size=2)), max_size=30)


@settings(max_examples=examples(25))
@given(expected=ROWS, found=ROWS)
def test_differences_are_those_of_the_two_multisets(expected: list[Row], found: list[Row]) -> None:
    missing, surplus = Counter(expected) - Counter(found), Counter(found) - Counter(expected)
    with (
        TemporaryDirectory() as folder,
        Digests(Path(folder) / "expected") as one,
        Digests(Path(folder) / "found") as other,
    ):
        for row in expected:
            one.add(digest_of(*row))
        for row in found:
            other.add(digest_of(*row))
        assert (one.rows, other.rows) == (len(expected), len(found))
        told = differences(one, other, most=1_000)
        few = differences(one, other, most=1)
    wanted = {digest_of(*row): -count for row, count in missing.items()}
    wanted |= {digest_of(*row): count for row, count in surplus.items()}
    assert told == Differences(missing.total(), surplus.total(), shared=False, named=wanted)
    assert (few.missing, few.surplus) == (told.missing, told.surplus)
    assert len(few.named) == min(1, len(wanted))


@settings(max_examples=examples(25))
@given(expected=ROWS, tolerated=ROWS, found=ROWS)
def test_a_tolerated_row_may_be_there_as_often_as_it_is_tolerated(
    expected: list[Row], tolerated: list[Row], found: list[Row]
) -> None:
    missing = Counter(expected) - Counter(found)
    surplus = Counter(found) - Counter(expected) - Counter(tolerated)
    with ExitStack() as stack, TemporaryDirectory() as folder:
        sets = []
        for name, rows in (("expected", expected), ("found", found), ("tolerated", tolerated)):
            sets.append(stack.enter_context(Digests(Path(folder) / name)))
            for row in rows:
                sets[-1].add(digest_of(*row))
        told = differences(sets[0], sets[1], 1_000, sets[2])
    wanted = {digest_of(*row): -count for row, count in missing.items()}
    wanted |= {digest_of(*row): count for row, count in surplus.items()}
    shared = not set(expected).isdisjoint(tolerated)
    assert told == Differences(missing.total(), surplus.total(), shared=shared, named=wanted)


def test_a_key_and_a_value_are_never_taken_for_each_other() -> None:
    same = {digest_of(b"", b"ab"), digest_of(None, b"ab"), digest_of(b"b", b"a"), digest_of(b"ab", b"")}
    assert len(same) == 4


def test_rows_that_name_themselves_are_missing_once_and_repeated_often() -> None:
    labelled = Labelled()
    labelled.expect("job", 0, rows=10, left_out=0)
    labelled.expect("job", 1, rows=3, left_out=1)
    seen = [labelled.see("job", 0, row) for row in (*range(9), 0, 0)]
    assert seen == [True] * 9 + [False] * 2
    for stranger in (("job", 0, 10), ("job", 2, 0), ("other", 0, 0), ("job", 0, -1)):
        assert not labelled.see(*stranger)
    assert [labelled.see("job", 1, row) for row in (0, 2)] == [True, True]
    assert (labelled.expected, labelled.found, labelled.missing(), labelled.repeated) == (12, 11, 1, 2)
    assert list(labelled.first_missing()) == ["missing: job job, chunk 0, row 9"]
