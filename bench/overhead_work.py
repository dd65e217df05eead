"""Deliveries with instrumentation: record when they fetch, encode or send."""

import os
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench import exactly_once, function_work, kafka_work
from bench.rows import RowsOfProduct
from shared.adapters.pubsub import Pushed
from shared.bootstrap import deliver
from shared.config import read
from shared.destinations.kafka.sending import Sending

Span = tuple[float, float]


class Spans:
    """Periods of work in any thread."""

    def __init__(self) -> None:
        self.found: list[Span] = []

    @contextmanager
    def during(self) -> Iterator[None]:
        began = time.perf_counter()
        try:
            yield
        finally:
            self.found.append((began, time.perf_counter()))

    def timed(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def timing(*arguments: Any, **named: Any) -> Any:
            with self.during():
                return function(*arguments, **named)

        return timing


def idle(spans: list[Span], began: float, ended: float) -> float:
    """Return the seconds between two times that no span covers."""
    covered, upto = 0.0, began
    for start, end in sorted(spans):
        first, last = max(start, upto), min(end, ended)
        if last > first:
            covered += last - first
            upto = last
    return ended - began - covered


def deliveries(path: str, bootstrap: str, count: int) -> dict[str, Any]:
    """Deliver the file repeatedly, each time as a new job's chunk; return the idle milliseconds of each."""
    spans = _watch()
    run = deliver.build(read(os.environ))
    found: list[float] = []
    # The first delivery connects, and makes the broker compile its code.
    for number in range(count + 1):
        name = f"overhead-{uuid.uuid4().hex[:8]}"
        exactly_once.create_topic(bootstrap, kafka_work.topic(name))
        message = function_work.staged(Path(path), name)
        spans.found.clear()
        began = time.perf_counter()
        run(Pushed(message, "1", 1, None))
        ended = time.perf_counter()
        if number:
            found.append(idle(spans.found, began, ended) * 1000)
    return {"idle_ms": found}


def _watch() -> Spans:
    """Instrument the product's fetching, encoding and sending."""
    spans = Spans()
    batches = RowsOfProduct.batches

    def encoding(rows: Any, *arguments: Any) -> Iterator[Any]:
        encoded = batches(rows, *arguments)
        while True:
            with spans.during():
                batch = next(encoded, None)
            if batch is None:
                return
            yield batch

    RowsOfProduct.batches = encoding  # type: ignore[method-assign,assignment]
    Sending.send = spans.timed(Sending.send)  # type: ignore[method-assign]
    Sending.finish = spans.timed(Sending.finish)  # type: ignore[method-assign]
    return spans
