"""The sample: realistic, reproducible, with the edge cases of real transfers."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from infra.local import sample, sample_rows

ROWS = 20_000


@pytest.fixture(scope="module")
def transfers() -> list[dict[str, Any]]:
    names = [name.lower() for name in sample.COLUMNS]
    return [dict(zip(names, row, strict=True)) for row in sample_rows.rows(ROWS, seed=1)]


def test_the_same_seed_gives_the_same_file_and_another_seed_another(tmp_path: Path) -> None:
    for name, seed in (("first", 1), ("again", 1), ("other", 2)):
        sample.write(tmp_path / name, 500, seed)
    first, again, other = ((tmp_path / name).read_bytes() for name in ("first", "again", "other"))
    assert first == again
    assert first != other


def test_two_that_write_the_same_file_at_once_both_find_it_whole(tmp_path: Path) -> None:
    path = tmp_path / "sample.parquet"
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: sample.write(path, 500, seed=1), range(8)))
    assert pq.read_metadata(path).num_rows == 500
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("rows", [1, 33, 1_000, 50_001])
def test_it_has_exactly_as_many_rows_as_asked_for(tmp_path: Path, rows: int) -> None:
    sample.write(tmp_path / "sample", rows, seed=3)
    assert pq.read_metadata(tmp_path / "sample").num_rows == rows


def test_a_row_is_named_by_its_unique_id(transfers: list[dict[str, Any]]) -> None:
    assert len({transfer["unique_id"] for transfer in transfers}) == ROWS


def test_time_runs_through_march_without_gaps(transfers: list[dict[str, Any]]) -> None:
    times = [transfer["block_timestamp"] for transfer in transfers]
    assert (times[0], times[-1]) == (datetime(2026, 3, 1), datetime(2026, 4, 1))  # noqa: DTZ001 - no zone
    assert times == sorted(times)
    assert max(after - before for before, after in pairwise(times)) < timedelta(hours=4)


def test_every_midnight_has_rows(transfers: list[dict[str, Any]]) -> None:
    times = {transfer["block_timestamp"] for transfer in transfers}
    assert all(sample_rows.START + timedelta(days=day) in times for day in range(sample_rows.DAYS + 1))


def test_one_token_dominates_and_one_block_is_busy(transfers: list[dict[str, Any]]) -> None:
    tokens = Counter(transfer["token_address"] for transfer in transfers).most_common(2)
    assert tokens[0][0] == sample_rows.USDC
    assert tokens[0][1] > 2 * tokens[1][1]
    blocks = Counter(transfer["block_number"] for transfer in transfers).most_common(2)
    assert blocks[0][1] >= ROWS // 100 > 3 * blocks[1][1]


def test_amounts_go_from_nothing_to_beyond_what_a_number_holds(transfers: list[dict[str, Any]]) -> None:
    raw = [int(transfer["raw_amount_str"]) for transfer in transfers]
    assert 0 in raw
    assert any(2**64 < value < 10**38 for value in raw)
    assert any(value > 10**38 for value in raw)
    assert all(float(transfer["raw_amount_str"]) == transfer["raw_amount"] for transfer in transfers)


def test_amounts_keep_every_digit_as_text(transfers: list[dict[str, Any]]) -> None:
    largest = [transfer for transfer in transfers if int(transfer["raw_amount_str"]) == 2**256 - 1]
    text = str(2**256 - 1)
    assert {transfer["amount_str"] for transfer in largest} == {f"{text[:-18]}.{text[-18:]}"}
    known = [transfer for transfer in transfers if transfer["amount_str"] is not None]
    assert all("E" not in transfer["amount_str"].upper() for transfer in known)
    assert all(float(Decimal(transfer["amount_str"])) == transfer["amount"] for transfer in known)


def test_there_are_mints_burns_and_nulls(transfers: list[dict[str, Any]]) -> None:
    assert any(transfer["from_address"] == sample_rows.ZERO for transfer in transfers)
    assert any(transfer["to_address"] == sample_rows.ZERO for transfer in transfers)
    nullable = {name for transfer in transfers for name, value in transfer.items() if value is None}
    assert nullable == {
        "token_name",
        "token_symbol",
        "amount",
        "amount_str",
        "usd_amount",
        "usd_exchange_rate",
        "transaction_to_address",
    }


@pytest.mark.parametrize("character", ["🚀", '"', "'", "\x00", "\n", "\x1f", "\u2028", "\\", "%"])
def test_some_tokens_have_names_that_are_hard_to_carry(
    transfers: list[dict[str, Any]], character: str
) -> None:
    texts = (transfer[name] or "" for transfer in transfers for name in ("token_name", "token_symbol"))
    assert any(character in text for text in texts)
