"""polars: JSON from its own encoder, sent with confluent-kafka in a transaction."""

from collections.abc import Mapping
from typing import Any

import polars as pl

from bench.peers.client import send_in_transaction


def send(path: str, settings: Mapping[str, Any], topic: str) -> None:
    send_in_transaction(encoded(path).iter_rows(), settings, topic)


def encoded(path: str) -> pl.DataFrame:
    """Return each row's key and JSON text."""
    rows = pl.scan_parquet(path).rename(str.lower)
    return rows.select(key="unique_id", text=pl.struct(pl.all()).struct.json_encode()).collect()
