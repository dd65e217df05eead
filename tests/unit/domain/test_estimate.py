"""The estimate: conclusions from a slice's facts."""

from datetime import UTC, datetime

import pytest

from shared.domain import prices
from shared.domain.estimate import MANY_ROWS, Estimate, costs, estimate, warnings_of_unloaded
from shared.domain.jobs import FilterValue, Window
from shared.domain.slices import Facts, Slice

NOW = datetime(2026, 4, 27, 10, 30, tzinfo=UTC)
MARCH = Window("block_timestamp", "2026-03-01T00:00:00", "2026-04-01T00:00:00")
MIXED, LOWER = "0x833589fCD6eDb6E08f4c7C32D4f71b54bdA02913", "0x833589fcd6edb6e08f4c7c32d4f71b54bda02913"
ROW = f'{{"a":"{"x" * 92}"}}'  # 100 bytes


def judged(
    *,
    rows: int = 10,
    unmatched: tuple[int, ...] = (),
    values: tuple[FilterValue, ...] = (),
    window: Window = MARCH,
    destinations: int = 1,
) -> Estimate:
    wanted = Slice("acme", "base.assets.t", window, "token_address" if values else None, values)
    facts = Facts(rows, unmatched, (ROW, ROW) if rows else (), 1_000_000)
    return estimate(facts, wanted, destinations=destinations, now=NOW)


def test_bytes_and_chunks_follow_from_the_sample() -> None:
    found = judged(rows=100_000)
    assert (found.rows, found.size, found.chunks) == (100_000, 10_000_000, 7)
    assert found.warnings == ()


def test_no_rows_are_no_chunks_and_a_warning() -> None:
    found = judged(rows=0)
    assert (found.rows, found.size, found.chunks) == (0, 0, 0)
    assert found.warnings == ("There are no rows in the slice",)
    assert list(found.cost) == ["warehouse"]


def test_a_value_that_matches_nothing_is_named() -> None:
    (warning,) = judged(values=("0xaa", "0xbb"), unmatched=(1,)).warnings
    assert warning.startswith("1 of the filter's 2 values of token_address match no row")
    assert '"0xbb"' in warning
    assert '"0xaa"' not in warning


def test_a_mixed_case_address_is_told_in_lower_case() -> None:
    """No job would have reported that: it completes without rows."""
    none, unmatched, mixed = judged(rows=0, values=(MIXED,), unmatched=(0,)).warnings
    assert none == "There are no rows in the slice"
    assert MIXED in unmatched
    assert mixed.endswith(f'write "{LOWER}"')


@pytest.mark.parametrize("value", [LOWER, "Dai Stablecoin", 7, True, "0xZZ"])
def test_other_values_are_not_taken_for_mixed_case(value: FilterValue) -> None:
    assert len(judged(values=(value, "0x1"), unmatched=(0,)).warnings) == 1


def test_a_mixed_case_value_that_matches_is_right() -> None:
    assert judged(values=(MIXED,)).warnings == ()


def test_of_many_values_a_few_are_named() -> None:
    values = tuple(f"0x{number:040X}" for number in range(1_000, 1_100))
    unmatched, mixed = judged(values=values, unmatched=tuple(range(100))).warnings
    assert "and 95 more" in unmatched
    assert "have letters in upper case" in mixed
    assert len(unmatched) < 600


@pytest.mark.parametrize(
    ("start", "end", "told"),
    [
        ("2027-01-01T00:00:00", "2027-02-01T00:00:00", "begins in the future"),
        ("2026-04-01T00:00:00", "2026-05-01T00:00:00", "ends in the future"),
        ("2026-04-27T10:29:59", "2026-04-27T10:30:00", None),
    ],
)
def test_a_window_in_the_future_is_told(start: str, end: str, told: str | None) -> None:
    warnings = judged(window=Window("block_timestamp", start, end)).warnings
    assert [told in warning for warning in warnings if told] == ([True] if told else [])
    assert bool(warnings) == bool(told)


def test_a_window_of_blocks_is_compared_with_no_time() -> None:
    assert judged(window=Window("block", "1", "99999999999")).warnings == ()


def test_very_many_rows_are_told() -> None:
    assert "consider several backfills" in judged(rows=MANY_ROWS).warnings[0]


def test_costs_are_a_range_that_grows_with_the_destinations() -> None:
    one, two = costs(10**9, 5_000, 245 * 10**9, 164e9, 1), costs(10**9, 5_000, 245 * 10**9, 164e9, 2)
    assert all(0 <= part.low <= part.high for part in one.values())
    assert sum(part.high for part in two.values()) > sum(part.high for part in one.values())
    # 164 GB at 40 MB/s are 4,100 s of one credit an hour.
    assert one["warehouse"].low == pytest.approx(4_100 / 3600 * prices.CREDIT)
    assert one["egress"].high == pytest.approx(245e9 / 2**30 * prices.EGRESS_GIB)


def test_a_warehouse_that_is_started_costs_a_minute_at_least() -> None:
    assert costs(10, 1, 1_000, 670, 1)["warehouse"].high == pytest.approx(prices.CREDIT / 60)


def test_a_job_without_rows_tells_which_values_may_be_why() -> None:
    none, unmatched, mixed = warnings_of_unloaded(0, "token_address", [MIXED, 7])
    assert none == "There were no rows in the slice"
    assert unmatched.startswith("None of the filter's values of token_address matched")
    assert f'write "{LOWER}"' in mixed
    assert [*warnings_of_unloaded(0, None, [])] == [none]
    assert len([*warnings_of_unloaded(0, "token_address", [LOWER])]) == 2


@pytest.mark.parametrize("rows", [None, 1])
def test_a_job_with_rows_or_not_yet_unloaded_has_no_warning(rows: int | None) -> None:
    assert [*warnings_of_unloaded(rows, "token_address", [MIXED])] == []


def of_size(rows: int, earlier: list[int]) -> tuple[str, ...]:
    facts = Facts(rows, (), (ROW,), 1_000_000)
    return estimate(
        facts, Slice("acme", "base.assets.t", MARCH), destinations=1, now=NOW, earlier=earlier
    ).warnings


def test_a_slice_far_larger_than_the_latest_jobs_is_told() -> None:
    (warning,) = of_size(2_000_001, [200_000, 1_000, 0])
    assert warning == (
        "The slice has 2,000,001 rows, far more than usual: the largest of the latest 3 backfills of"
        " base.assets.t had 200,000"
    )


@pytest.mark.parametrize(
    ("rows", "earlier"),
    [(2_000_000, [200_000, 1_000, 0]), (9_000_000, [1, 1]), (9_000_000, []), (100_000, [1, 1, 1])],
    ids=["ten times as many", "two jobs", "no jobs", "few rows"],
)
def test_other_sizes_are_usual(rows: int, earlier: list[int]) -> None:
    assert of_size(rows, earlier) == ()


def test_a_destination_that_takes_no_rows_is_named() -> None:
    looked_at = ((2, {"type": "nats", "name": "events", "uid": ""}),)
    wanted = Slice("acme", "base.assets.t", MARCH, looked_at=looked_at)
    facts = Facts(1, (), (ROW,), 1_000_000, ((2, "No stream holds subject s"),))
    assert estimate(facts, wanted, destinations=3, now=NOW).warnings == (
        "Rows could not be sent to nats events: No stream holds subject s",
    )
