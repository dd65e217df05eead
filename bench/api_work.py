"""A Firestore write and a publish with the bare clients, in several concurrent threads."""

import time
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from google.cloud import firestore
from google.pubsub_v1 import PublisherClient

from infra.local import names


def latencies(call: Callable[[], None], clients: int, calls: int) -> list[float]:
    """Return the milliseconds of each call, of ``clients`` threads that each make ``calls`` calls in
    sequence.
    """

    def client(_number: int) -> list[float]:
        found = []
        for _ in range(calls):
            began = time.perf_counter()
            call()
            found.append((time.perf_counter() - began) * 1000)
        return found

    with ThreadPoolExecutor(clients) as pool:
        return [each for found in pool.map(client, range(clients)) for each in found]


def percentile_99(values: list[float]) -> float:
    return sorted(values)[int(len(values) * 0.99)]


def bare(clients: int, calls: int) -> dict[str, float]:
    database = firestore.Client(project=names.PROJECT)
    queue = PublisherClient()
    topic = queue.topic_path(names.PROJECT, names.STAGE_TOPIC)

    def call() -> None:
        database.document("bare", str(uuid.uuid4())).create({"status": "staging", "text": "x" * 500})
        queue.publish(request={"topic": topic, "messages": [{"data": b"x" * 100}]})

    latencies(call, clients, 5)
    return {"p99_ms": percentile_99(latencies(call, clients, calls))}
