"""Parquet to the destinations except the service's Kafka and webhooks: rows/s compared with bare loops of
their clients over prepared data.

The servers run on the other core. For Pub/Sub, SNS and buckets a stand-in replaces the real service; NATS and
Kafka are the real servers. The ratios compare a sink with its own client, and do not measure Google or
Amazon.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from bench import chunk, external_kafka_work, gcs_work, nats_work, process, pubsub_work, sns_work
from bench.brokers import stack, talker
from bench.figures import Figure, figure, ratio
from bench.rounds import Measured, paired
from infra.local.calls import call
from infra.local.supervisor import LocalStack

KINDS = ("pubsub", "sns", "gcs", "nats", "external_kafka")
KEYS = tuple(f"{kind}_vs_bare" for kind in KINDS)
# SNS takes ten a request. To Kafka it is a whole chunk: opening a transaction takes as long for a few rows.
_ROWS = {"sns": 20_000, "external_kafka": chunk.ROWS}
_ROWS_OF_OTHERS = 60_000
_TOPIC = "projects/local-bench/topics/rows"


def run(rounds: int) -> dict[str, Figure]:
    with stack(destinations=("pubsub", "gcs", "nats", "external_kafka")) as running:
        variants = _variants(running)
        for name in ("pubsub", "external_kafka"):
            variants[name]()  # a server in Java compiles its own code first
        found = paired(variants, rounds)
    figures = {
        f"{name}_{told}": figure(each[measure] for each in measured)
        for name, measured in found.items()
        for measure, told in (("rows_per_s", "rows_per_s"), ("cpu_us", "cpu_us_per_row"))
    }
    for kind, key in zip(KINDS, KEYS, strict=True):
        figures[key] = ratio(found[kind], found[f"{kind}_bare"], "rows_per_s")
    return figures


def _variants(running: LocalStack) -> dict[str, Callable[[], Measured]]:
    host, kafka = running.endpoints["pubsub_host"], running.endpoints["external_kafka"]
    # Without a subscription, for which the emulator would keep every message in its memory.
    call("PUT", f"http://{host}/v1/{_TOPIC}", json={})
    works: Mapping[str, tuple[Any, Mapping[str, Any]]] = {
        "pubsub": (pubsub_work, {"host": host, "topic": _TOPIC}),
        "gcs": (gcs_work, {"url": running.endpoints["gcs_url"]}),
        "nats": (nats_work, {"url": running.endpoints["nats_url"]}),
        "external_kafka": (
            external_kafka_work,
            {"target": kafka, "login": running.layout.secured_kafka.login},
        ),
    }
    variants: dict[str, Callable[[], Measured]] = {}
    for kind, (module, where) in works.items():
        variants[kind] = partial(process.work, module.product, path=_path(kind), **where)
        variants[f"{kind}_bare"] = partial(process.work, module.bare, path=_path(kind), **where)
    return {
        **variants,
        "sns": partial(_sns, sns_work.product),
        "sns_bare": partial(_sns, sns_work.bare),
        "lines": partial(process.work, gcs_work.encode_only, path=_path("gcs")),
    }


def _path(kind: str) -> str:
    return str(chunk.staged(_ROWS.get(kind, _ROWS_OF_OTHERS)))


def _sns(work: Callable[..., Any]) -> Measured:
    with talker("bench.sns_topic") as topic:
        measured = process.work(work, path=_path("sns"), url=topic.said)
        if (arrived := int(topic.ask("count"))) != measured["rows"]:
            raise process.BenchFailure(f"{arrived} of {measured['rows']} rows arrived at the topic")
        return measured
