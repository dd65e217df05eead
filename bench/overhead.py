"""The fixed cost of a delivery: Firestore, the bucket, Kafka's transaction."""

import statistics

from bench import brokers, chunk, overhead_work, process
from bench.figures import Figure, figure
from infra.local import environments

KEYS = ("overhead_ms_per_chunk",)

_ROWS = 61_000
_DELIVERIES = 7


def run(rounds: int) -> dict[str, Figure]:
    path = str(chunk.staged(_ROWS))
    medians: list[float] = []
    for _ in range(rounds):
        with brokers.stack("firestore", "pubsub", "gcs", "kafka") as stack:
            found = process.work(
                overhead_work.deliveries,
                environment=environments.function("deliver", stack.options, stack.layout),
                path=path,
                bootstrap=stack.endpoints["kafka_bootstrap"],
                count=_DELIVERIES,
            )
            medians.append(statistics.median(found["idle_ms"]))
    return {"overhead_ms_per_chunk": figure(medians)}
