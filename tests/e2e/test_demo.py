"""`make demo` runs a backfill end to end on its own stack, and reports whether every row arrived."""

import csv
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from infra.local import environments
from infra.local.demo.check import check_webhook
from infra.local.demo.expected import TABLE_COLUMNS, digest
from infra.local.options import ROOT

COLUMNS = [*TABLE_COLUMNS, "a_column_that_the_table_lacks", "and_another"]
TOKEN = "0x833589fcd6edb6e08f4c7c32d4f71b54bda02913"


def demo(folder: Path, **environment: str) -> str:
    """Run the demo, which must succeed; return its output."""
    run = subprocess.run(
        [sys.executable, "-m", "infra.local.demo"],
        cwd=ROOT,
        env=environments.base() | {"STACK_DIR": str(folder), "COLUMNS": "120", **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=500,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    return run.stdout


@pytest.mark.stack
def test_the_demo_delivers_the_sample_and_leaves_no_endpoints(tmp_path: Path) -> None:
    said = demo(tmp_path, ROWS="20000")
    assert "20,000 rows in" in said
    assert "to 2 destinations" in said
    assert not (tmp_path / "endpoints.json").exists()


@pytest.mark.stack
def test_the_demo_delivers_rows_of_ones_own(tmp_path: Path) -> None:
    """Use a CSV file with columns that the table lacks, without some that it has, and a filter."""
    path = tmp_path / "transfers.csv"
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, [name for name in COLUMNS if name != "usd_amount"], restval="")
        writer.writeheader()
        writer.writerows(transfer(number) for number in range(300))
    said = demo(tmp_path / "stack", DATA=str(path), TOKEN=TOKEN)
    # Every third row has another token, every tenth has no timestamp.
    assert "180 rows in" in said


def transfer(number: int) -> dict[str, Any]:
    return {
        "token_address": TOKEN if number % 3 else "0x01",
        "token_name": 'Bob\'s "quoted", \\ token\nin two lines 🚀',
        "raw_amount": "1e20",
        "raw_amount_str": "100000000000000000000",
        "log_index": number,
        "block_timestamp": f"2026-03-01 00:00:{number % 60:02d}.5" if number % 10 else "",
        "unique_id": f"base:{number}",
        "a_column_that_the_table_lacks": "dropped",
    }


def _drop_row(rows: list[dict[str, Any]]) -> None:
    rows.pop()


def _double_row(rows: list[dict[str, Any]]) -> None:
    rows.append(rows[0])


def _change_value(rows: list[dict[str, Any]]) -> None:
    rows[0]["value"] = 7


def _change_type(rows: list[dict[str, Any]]) -> None:
    rows[1]["value"] = 1.0


def _add_row(rows: list[dict[str, Any]]) -> None:
    rows.append({"unique_id": "another", "value": 0})


@pytest.mark.parametrize("tamper", [_drop_row, _double_row, _change_value, _change_type, _add_row])
def test_the_demo_sees_what_did_not_arrive_as_it_should(
    tmp_path: Path, tamper: Callable[[list[dict[str, Any]]], None]
) -> None:
    rows: list[dict[str, Any]] = [{"unique_id": str(number), "value": number} for number in range(3)]
    expected = {row["unique_id"]: digest(row) for row in rows}
    spool = tmp_path / "spool.jsonl"
    spool.write_text(json.dumps(["batch", True, json.dumps(rows)]) + "\n")
    assert check_webhook("receiver", spool, expected).all_well
    tamper(rows)
    spool.write_text(json.dumps(["batch", True, json.dumps(rows)]) + "\n")
    assert not check_webhook("receiver", spool, expected).all_well


def test_the_demo_sees_a_batch_without_its_signature(tmp_path: Path) -> None:
    row = {"unique_id": "1", "value": 1}
    spool = tmp_path / "spool.jsonl"
    spool.write_text(json.dumps(["batch", False, json.dumps([row])]) + "\n")
    assert not check_webhook("receiver", spool, {"1": digest(row)}).all_well
