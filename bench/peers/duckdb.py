"""DuckDB: JSON from its own encoder, sent with confluent-kafka in a transaction."""

from collections.abc import Iterator, Mapping
from typing import Any

import duckdb

from bench.peers.client import send_in_transaction

_ROWS = 10_000


def send(path: str, settings: Mapping[str, Any], topic: str) -> None:
    send_in_transaction(_encoded(path), settings, topic)


def _encoded(path: str) -> Iterator[tuple[str, str]]:
    with duckdb.connect(config={"threads": 1}) as connection:
        names = [name for name, *_ in connection.execute("DESCRIBE FROM read_parquet(?)", [path]).fetchall()]
        fields = ", ".join(f"{name.lower()} := {name}" for name in names)
        connection.execute(f"SELECT unique_id, to_json(struct_pack({fields})) FROM read_parquet(?)", [path])
        while batch := connection.fetchmany(_ROWS):
            yield from batch
