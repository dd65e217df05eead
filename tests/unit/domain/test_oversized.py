"""Rows larger than a destination's limit: their errors, and their records."""

import pytest

from shared.domain.errors import Disposition
from shared.domain.oversized import (
    MOST_NAMED,
    NONE_SKIPPED,
    OversizedRow,
    RowTooLarge,
    SizeLimit,
    Skipped,
    too_large,
)

LIMIT = SizeLimit(5_000, "Kafka topic beam.acme.t (its max.message.bytes)", "Raise that setting of the topic")


def test_such_a_row_is_named_with_all_that_helps() -> None:
    with pytest.raises(RowTooLarge) as named:
        too_large(3, 17, b'a "key"', 1_100_000, LIMIT, skip=False, detail="of the broker")
    assert named.value.message == (
        'Row 17 of chunk 3 (key a \\"key\\") has 1,100,000 bytes, more than Kafka topic beam.acme.t'
        " (its max.message.bytes) takes: 5,000 bytes. Raise that setting of the topic and retry the job, or"
        " create it anew with oversized_rows set to skip, which leaves such rows out and names them"
    )
    assert named.value.detail == "of the broker"
    assert named.value.disposition is Disposition.TERMINAL


def test_of_a_row_without_a_key_and_a_limit_that_is_not_told_nothing_is_made_up() -> None:
    limit = SizeLimit(None, "webhook hook", "Have it take larger requests")
    with pytest.raises(
        RowTooLarge, match=r"^Row 0 of chunk 0 has 9 bytes, more than webhook hook takes\. Have"
    ):
        too_large(0, 0, None, 9, limit, skip=False)


def test_a_skipped_row_is_counted_and_named() -> None:
    skipped = too_large(3, 17, b"key-\xff" + b"x" * 200, 6_000, LIMIT, skip=True)
    assert skipped.rows == 1
    [row] = skipped.named
    assert (row.row, row.size, row.limit) == (17, 6_000, 5_000)
    assert row.key == "key-\ufffd" + "x" * 95


def test_only_the_first_rows_are_named_and_all_are_counted() -> None:
    found = NONE_SKIPPED
    for number in range(MOST_NAMED + 5):
        found += Skipped(1, (OversizedRow(number, None, 1, None),))
    assert found.rows == MOST_NAMED + 5
    assert [row.row for row in found.named] == list(range(MOST_NAMED))
