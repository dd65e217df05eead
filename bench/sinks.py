"""Parquet to Pub/Sub, SNS and a bucket: rows/s beside bare loops of their clients over what is prepared.

What they send to stands in for the real service, on the other core: the ratios compare a sink with its own
client, and say nothing of what Google or Amazon take.
"""

from collections.abc import Callable
from typing import Any

import urllib3

from bench import chunk, gcs_work, process, pubsub_work, sns_work
from bench.brokers import stack, talker
from bench.figures import Figure, figure, ratio
from bench.rounds import Measured, paired

KEYS: tuple[str, ...] = ()
_ROWS = 20_000  # fewer than of other parts: SNS takes ten a request
_TOPIC = "projects/local-bench/topics/rows"


def run(rounds: int) -> dict[str, Figure]:
    path = str(chunk.staged(_ROWS))

    def sns(work: Callable[..., Any]) -> Measured:
        with talker("bench.sns_topic") as topic:
            measured = process.work(work, path=path, url=topic.said)
            if (arrived := int(topic.ask("count"))) != measured["rows"]:
                raise process.BenchFailure(f"{arrived} of {measured['rows']} rows arrived at the topic")
            return measured

    with stack("pubsub", "gcs") as running:
        host, url = running.endpoints["pubsub_host"], running.endpoints["gcs_url"]
        # Without a subscription, for which the emulator would keep every message in its memory.
        urllib3.request("PUT", f"http://{host}/v1/{_TOPIC}", json={})
        found = paired(
            {
                "pubsub": lambda: process.work(pubsub_work.product, path=path, host=host, topic=_TOPIC),
                "pubsub_bare": lambda: process.work(pubsub_work.bare, path=path, host=host, topic=_TOPIC),
                "sns": lambda: sns(sns_work.product),
                "sns_bare": lambda: sns(sns_work.bare),
                "gcs": lambda: process.work(gcs_work.product, path=path, url=url),
                "gcs_bare": lambda: process.work(gcs_work.bare, path=path, url=url),
                "lines": lambda: process.work(gcs_work.encode_only, path=path),
            },
            rounds,
        )
    figures = {
        f"{name}_{told}": figure(each[measure] for each in measured)
        for name, measured in found.items()
        for measure, told in (("rows_per_s", "rows_per_s"), ("cpu_us", "cpu_us_per_row"))
    }
    for kind in ("pubsub", "sns", "gcs"):
        figures[f"{kind}_vs_bare"] = ratio(found[kind], found[f"{kind}_bare"], "rows_per_s")
    return figures
