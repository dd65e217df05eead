"""`backfills verify` reports each kind of difference, and equality only without differences."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.unit.client.program import Program, at
from tests.unit.client.service import JOB_ID, Says, service

pytestmark = pytest.mark.usefixtures("nobody")

KAFKA = {"uid": "u1", "type": "kafka", "name": "transfers"}
LEDGER = {"uid": "u2", "type": "webhook", "name": "ledger"}
Receipt = dict[str, Any]
Chunks = list[dict[str, Any]]


def delivery(uid: str, rows: int, skipped: int = 0) -> dict[str, Any]:
    done = "2026-03-03T10:00:00.000000Z"
    return {"uid": uid, "rows": rows, "rows_skipped": skipped, "attempts": 1, "time_done": done}


def balanced() -> tuple[Receipt, Chunks]:
    """Return a completed job of two chunks, of which the ledger skipped a row."""
    receipt = {
        "job_id": JOB_ID,
        "status": "completed",
        "unload": {"query_id": "q", "rows": 1200, "chunks": 2, "bytes": 9000},
        "destinations": [
            {**KAFKA, "rows_delivered": 1200, "rows_skipped": 0, "chunks_delivered": 2, "complete": True},
            {**LEDGER, "rows_delivered": 1199, "rows_skipped": 1, "chunks_delivered": 2, "complete": True},
        ],
        "balanced": True,
    }
    chunks = [
        {"chunk": 0, "file": "a/0.parquet", "rows": 700, "bytes": 1, "crc32c": "c",
         "deliveries": [delivery("u1", 700), delivery("u2", 699, 1)]},
        {"chunk": 1, "file": "a/1.parquet", "rows": 500, "bytes": 1, "crc32c": "c",
         "deliveries": [delivery("u1", 500), delivery("u2", 500)]},
    ]  # fmt: skip
    return receipt, chunks


@pytest.fixture
def verify(program: Program, monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    def run(receipt: Receipt, chunks: Chunks, *flags: str) -> int:
        lines = b"".join(json.dumps(chunk).encode() + b"\n" for chunk in chunks)
        with service(Says(200, receipt), Says(200, lines)) as server:
            at(server, monkeypatch)
            return program("verify", JOB_ID, *flags)

    return run


def test_what_balances_is_equal(program: Program, verify: Callable[..., int]) -> None:
    assert verify(*balanced()) == 0
    assert program.out.splitlines() == [
        "completed: 1,200 rows unloaded in 2 chunks",
        "DESTINATION      UNLOADED  DELIVERED  SKIPPED  LEFT",
        "kafka transfers  1,200     1,200      0        0",
        "webhook ledger   1,200     1,199      1        0",
        "Equal: every destination has every row except skipped ones.",
    ]


def test_a_job_without_rows_is_equal(verify: Callable[..., int]) -> None:
    receipt, _ = balanced()
    receipt["unload"] |= {"rows": 0, "chunks": 0}
    for each in receipt["destinations"]:
        each |= {"rows_delivered": 0, "rows_skipped": 0, "chunks_delivered": 0}
    assert verify(receipt, []) == 0


def fewer_rows(_: Receipt, chunks: Chunks) -> None:
    chunks[1]["deliveries"][1]["rows"] -= 10


def more_rows(_: Receipt, chunks: Chunks) -> None:
    chunks[1]["deliveries"][1]["rows"] += 10


def not_done(_: Receipt, chunks: Chunks) -> None:
    chunks[1]["deliveries"][1] |= {"rows": 0, "time_done": None}


def never_begun(_: Receipt, chunks: Chunks) -> None:
    del chunks[1]["deliveries"][1]


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (fewer_rows, "webhook ledger has 490 delivered and 0 skipped (a/1.parquet)"),
        (more_rows, "webhook ledger has 510 delivered and 0 skipped (a/1.parquet)"),
        (not_done, "webhook ledger does not have it yet (a/1.parquet)"),
        (never_begun, "webhook ledger does not have it yet (a/1.parquet)"),
    ],
)
def test_a_chunk_that_differs_is_named(
    program: Program, verify: Callable[..., int], spoil: Callable[[Receipt, Chunks], None], told: str
) -> None:
    receipt, chunks = balanced()
    spoil(receipt, chunks)
    assert verify(receipt, chunks) == 1
    assert [line for line in program.out.splitlines() if line.startswith("chunk")] == [
        f"chunk 1, 500 rows: {told}"
    ]
    assert "Different: not every destination" in program.out


def test_differences_that_cancel_out_in_the_sum_are_told(verify: Callable[..., int]) -> None:
    receipt, chunks = balanced()
    chunks[0]["deliveries"][0]["rows"] += 10
    chunks[1]["deliveries"][0]["rows"] -= 10
    assert verify(receipt, chunks) == 1


def lost_chunk(_: Receipt, chunks: Chunks) -> None:
    del chunks[1]


def gap(_: Receipt, chunks: Chunks) -> None:
    chunks[1]["chunk"] = 2


def other_sums(receipt: Receipt, _: Chunks) -> None:
    receipt["destinations"][0]["rows_delivered"] -= 1


def unbalanced(receipt: Receipt, _: Chunks) -> None:
    receipt["balanced"] = False


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (lost_chunk, "The chunks are 1 with 700 rows, but Snowflake unloaded 2 with 1,200"),
        (gap, "Chunk 1 is expected next, but 2 follows"),
        (other_sums, "kafka transfers: the receipt has 1,199 rows delivered and 0 skipped in 2 chunks"),
        (unbalanced, "The service reports that the receipt does not balance"),
    ],
)
def test_a_receipt_that_contradicts_its_chunks_is_told(
    program: Program, verify: Callable[..., int], spoil: Callable[[Receipt, Chunks], None], told: str
) -> None:
    receipt, chunks = balanced()
    spoil(receipt, chunks)
    assert verify(receipt, chunks) == 1
    assert told in program.out.splitlines()


def test_a_job_under_way_is_told_to_be(program: Program, verify: Callable[..., int]) -> None:
    """Its receipt is older than its chunks, which is not a contradiction."""
    receipt, chunks = balanced()
    receipt |= {"status": "transporting", "balanced": False}
    other_sums(receipt, chunks)
    assert verify(receipt, chunks) == 0
    never_begun(receipt, chunks)
    assert verify(receipt, chunks) == 1
    assert program.out.endswith("Different: the job is still running. Verify it again after it has ended.\n")


def test_so_many_differences_are_named_as_are_asked_for(program: Program, verify: Callable[..., int]) -> None:
    receipt, chunks = balanced()
    for chunk in chunks:
        chunk["deliveries"] = []
    assert verify(receipt, chunks, "--most", "1") == 1
    assert program.out.count("does not have it yet") == 1
    assert "and 3 more\n" in program.out


def test_in_json_it_is_one_object(program: Program, verify: Callable[..., int]) -> None:
    receipt, chunks = balanced()
    assert verify(receipt, chunks, "--json") == 0
    assert json.loads(program.out)["equal"] is True
    fewer_rows(receipt, chunks)
    assert verify(receipt, chunks, "--json") == 1
    found = json.loads(program.out)
    assert found["equal"] is False
    assert [each["balance"] for each in found["destinations"]] == [0, 10]
    assert [(each["chunk"], each["uid"]) for each in found["differences"]] == [(1, "u2")]


def test_a_job_without_a_receipt_is_refused(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    with service(
        Says(409, {"detail": "The job is staging, and has no receipt until it is staged"})
    ) as server:
        at(server, monkeypatch)
        assert program("verify", JOB_ID) == 3
    assert "has no receipt until it is staged" in program.err
