"""The scaling model: what saturates, what it costs, and that it is deterministic."""

from dataclasses import replace

import pytest

from bench.scaling import bill_table, document, jobs_table, settings_table
from bench.simulation import Measured, Plan, broker_bytes_per_second, enough_instances, measured_in, simulate

MEASURED = Measured(
    rows_per_second=100_000, overhead_seconds=0.1, publish_10k_seconds=0.2, record_10k_seconds=2.0
)


def test_one_chunk_takes_its_rows_and_its_overhead() -> None:
    outcome = simulate(Plan(100_000, 32_000_000, 100), MEASURED)
    assert outcome.delivery_seconds == pytest.approx(1.1)


def test_a_job_of_few_instances_is_held_back_by_them() -> None:
    outcome = simulate(Plan(10**9, 32_000_000, 1), MEASURED)
    assert outcome.saturated_first == "function instances"
    assert outcome.delivery_seconds == pytest.approx(10**9 / 100_000 + 0.1 * 5_125, rel=0.01)


def test_a_job_of_many_instances_is_held_back_by_the_brokers() -> None:
    few, many = (simulate(Plan(10**9, 32_000_000, instances), MEASURED) for instances in (10, 100))
    assert few.saturated_first == many.saturated_first == "brokers"
    assert many.delivery_seconds == pytest.approx(few.delivery_seconds, rel=0.05)
    assert many.dollars["function"] > 5 * few.dollars["function"]


def test_a_chunk_that_no_deadline_holds_is_told() -> None:
    assert simulate(Plan(10**9, 512_000_000, 400), MEASURED).saturated_first == "the delivery's deadline"


def test_more_than_enough_instances_are_no_faster() -> None:
    enough = enough_instances(MEASURED)
    at, beyond = (simulate(Plan(10**9, 32_000_000, count), MEASURED) for count in (enough, 4 * enough))
    assert beyond.delivery_seconds == pytest.approx(at.delivery_seconds, rel=0.1)


def test_a_slower_function_needs_more_instances() -> None:
    assert enough_instances(replace(MEASURED, rows_per_second=20_000)) > enough_instances(MEASURED)


def test_every_bill_grows_with_the_rows() -> None:
    small, large = (simulate(Plan(rows, 32_000_000, 10), MEASURED) for rows in (10**8, 10**10))
    assert all(large.dollars[name] > small.dollars[name] for name in small.dollars)


def test_the_brokers_take_less_than_their_vcpus_could_write_without_replicas() -> None:
    assert 0 < broker_bytes_per_second() < 24 * 20e6 / 3


def test_the_same_results_give_the_same_document() -> None:
    text = "before\n<!-- written by make bench -->\nold\n<!-- end of what make bench writes -->\nafter\n"
    first = document(text, MEASURED)
    assert document(first, MEASURED) == first
    assert first.startswith("before\n")
    assert first.endswith("\nafter\n")
    for table in (jobs_table(MEASURED), settings_table(MEASURED), bill_table(MEASURED)):
        assert table in first


def test_what_is_not_measured_is_named() -> None:
    with pytest.raises(KeyError, match="function_rows_per_s"):
        measured_in({})
