"""A chunk of large rows on real servers, in memory that its rows' size does not change."""

from pathlib import Path

import pytest

from tests.fakes.large_rows import ROWS, delivered, staged
from tests.integration.test_large_chunks import ENCODER, MOST_MIB

pytestmark = pytest.mark.emulator


@pytest.fixture(scope="module")
def chunk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return staged(tmp_path_factory.mktemp("large") / "chunk.parquet")


@pytest.mark.parametrize(("sink", "markers"), [("kafka", 4), ("kafka at_least_once", 0)])
def test_kafka_gets_every_row(chunk: Path, kafka_bootstrap: str, sink: str, markers: int) -> None:
    found = delivered(chunk, ENCODER, sink, kafka_bootstrap)
    assert ROWS <= found["rows"] <= ROWS + markers
    assert found["peak_mib"] < MOST_MIB


def test_nats_gets_every_row(chunk: Path, nats_host: str) -> None:
    found = delivered(chunk, ENCODER, "nats", nats_host)
    assert found["rows"] == ROWS
    assert found["peak_mib"] < MOST_MIB
