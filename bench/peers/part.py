"""Other programs on the product's way: the same Parquet file to the same Apache Kafka, each on one core.

Runs only if named, because it first fetches the peers (``installed``).
"""

import json
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench import brokers, chunk, exactly_once, kafka_work, oracle, process
from bench.figures import Figure, figure, ratio
from bench.peers import installed
from bench.rounds import Measured

KEYS = ("kafka_vs_spark",)

# Files in one process until Java's compiler has little left to do.
_STEADY = 5


@dataclass(frozen=True, slots=True)
class Sender:
    """``name``: its module in this folder. ``transaction``: it sends a file in one. ``own_python``: it runs
    in the peers' environment. ``files``: how often it sends the file in one process.
    """

    name: str
    transaction: bool = True
    own_python: bool = True
    files: int = 2


PRODUCT = Sender("product", own_python=False, files=_STEADY)
PEERS = (
    Sender("spark", transaction=False, files=_STEADY),
    Sender("polars"),
    Sender("polars_kcat"),
    Sender("duckdb"),
    Sender("quixstreams"),
    Sender("obvious_python", transaction=False, own_python=False),
)


def run(rounds: int) -> dict[str, Figure]:
    lacking = installed.lacking()
    for name, fault in lacking.items():
        print(f"{name} is skipped: {fault}")
    installed.install()
    senders = (PRODUCT, *(peer for peer in PEERS if peer.name not in lacking))
    found: dict[str, list[Measured]] = {sender.name: [] for sender in senders}
    path = chunk.staged()
    for turn in range(rounds):
        with brokers.stack("kafka") as stack:
            bootstrap = stack.endpoints["kafka_bootstrap"]
            # A new broker first compiles its own code, and creates its transaction topics.
            # That cost belongs to no sender.
            _sent(PRODUCT, path, bootstrap, "first")
            for sender in senders[:: -1 if turn % 2 else 1]:
                found[sender.name].append(_sent(sender, path, bootstrap, sender.name))
            for sender in senders if turn == 0 else ():
                arrived = oracle.committed(bootstrap, _topics(sender, sender.name)[-1])
                print(f"oracle: {oracle.compare(path, arrived)} rows of {sender.name} equal", flush=True)
    return figures(found)


def figures(found: Mapping[str, Sequence[Measured]]) -> dict[str, Figure]:
    """Return the product's multiples of each peer's rows/s, then everyone's rows/s."""
    product = found[PRODUCT.name]
    multiples, speeds = {}, {}
    for name, runs in found.items():
        for measure in runs[0]:
            speeds[f"peers_{name}_{measure}_rows_per_s"] = figure(each[measure] for each in runs)
            if name != PRODUCT.name:
                suffix = "" if measure == "warm" else f"_{measure}"
                multiples[f"kafka_vs_{name}{suffix}"] = ratio(product, runs, measure)
    return {**multiples, **speeds}


def _sent(sender: Sender, path: Path, bootstrap: str, name: str) -> dict[str, float]:
    """Run a sender, after which the broker must have every row in each topic; return its rows/s."""
    topics = _topics(sender, name)
    for topic in topics:
        exactly_once.create_topic(bootstrap, topic)
    told: dict[str, Any] = {
        "path": str(path),
        "settings": kafka_work.client_settings(bootstrap),
        "topics": topics,
        "began": time.monotonic(),
    }
    python = str(installed.PYTHON) if sender.own_python else sys.executable
    measured = process.run([python, "-m", "bench.peers.run", sender.name, json.dumps(told)])
    for topic in topics:
        exactly_once.require_rows(bootstrap, topic, chunk.ROWS, transaction=sender.transaction)
    return {measure: chunk.ROWS / seconds for measure, seconds in measured.items()}


def _topics(sender: Sender, name: str) -> list[str]:
    return [kafka_work.topic(f"{name}-{number}") for number in range(sender.files)]
