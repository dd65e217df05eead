"""A chunk of large rows is delivered in memory that its rows' size does not change."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from shared.encoding import NATIVE_INSTALLED
from tests.fakes.large_rows import ROWS, delivered, staged

ENCODERS = ["python", *(["native"] if NATIVE_INSTALLED else [])]
ENCODER = ENCODERS[-1]  # of sinks that take the same batches from either
MOST_MIB = 400
"""All rows at once would have 300 MiB, and as much again for each copy."""


@pytest.fixture(scope="module")
def chunk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    path = staged(tmp_path_factory.mktemp("large") / "chunk.parquet")
    assert path.stat().st_size < 32 * 1024 * 1024
    yield path
    path.unlink()


@pytest.mark.parametrize(
    ("sink", "encoders"), [("bucket", ENCODERS), ("avro", ENCODERS), ("pubsub", [ENCODER])]
)
def test_every_row_arrives_and_few_are_held_at_once(chunk: Path, sink: str, encoders: Sequence[str]) -> None:
    found = [delivered(chunk, encoder, sink) for encoder in encoders]
    assert {one["rows"] for one in found} == {ROWS}
    assert len({one["sum"] for one in found}) == 1
    assert max(one["peak_mib"] for one in found) < MOST_MIB


def test_a_webhooks_batches_may_be_large(chunk: Path) -> None:
    """A hundred rows have 50 MB; the service holds two such batches in flight, and two that wait."""
    found = delivered(chunk, ENCODER, "webhook")
    assert found["rows"] == ROWS
    assert found["peak_mib"] < 700


def test_a_webhooks_batch_that_is_too_large_is_refused_before_it_is_held(chunk: Path) -> None:
    found = [delivered(chunk, encoder, "webhook of large batches") for encoder in ENCODERS]
    assert len({one["refused"] for one in found}) == 1
    assert found[0]["refused"].startswith("Batch 0 of chunk 3 is too large for one request of webhook hook")
    assert {one["rows"] for one in found} == {0}
    assert max(one["peak_mib"] for one in found) < MOST_MIB
