"""Parquet to Pub/Sub and into buckets of the local stack: rows/s beside bare loops of the clients.

``python -m bench.google [ROWS [ROUNDS]]``. The emulators, which share the machine, are most of what is
measured: these figures compare the product to its client, and say nothing of Google's own services. So they
have no bounds, and `make bench` leaves them out.
"""

import sys
import tempfile
from pathlib import Path

import urllib3

from bench import chunk, gcs_work, process, pubsub_work
from bench.figures import Figure, figure, ratio
from bench.rounds import paired
from infra.local import names
from infra.local.options import StackOptions
from infra.local.supervisor import LocalStack


def run(rows: int, rounds: int) -> dict[str, Figure]:
    path = str(chunk.staged(rows))
    # Without a subscription, for which the emulator would keep every message in its memory.
    topic = f"projects/{names.PROJECT}/topics/bench"
    kinds = frozenset({"pubsub", "gcs"})
    with tempfile.TemporaryDirectory() as folder:
        options = StackOptions(folder=Path(folder), parts=kinds, destinations=kinds)
        with LocalStack(options) as stack:
            host, url = stack.endpoints["pubsub_host"], stack.endpoints["gcs_url"]
            urllib3.request("PUT", f"http://{host}/v1/{topic}", json={})
            found = paired(
                {
                    "pubsub": lambda: process.work(pubsub_work.product, path=path, host=host, topic=topic),
                    "publish": lambda: process.work(pubsub_work.bare, path=path, host=host, topic=topic),
                    "prepare": lambda: process.work(pubsub_work.prepare_only, path=path),
                    "ndjson": lambda: process.work(gcs_work.product, path=path, url=url, form="ndjson"),
                    "upload": lambda: process.work(gcs_work.bare, path=path, url=url),
                    "copy": lambda: process.work(gcs_work.product, path=path, url=url, form="parquet"),
                },
                rounds,
            )
    figures = {
        f"{name}_{what}": figure(each[what] for each in measured)
        for name, measured in found.items()
        for what in ("rows_per_s", "cpu_us", "peak_mib")
    }
    figures["pubsub_vs_bare"] = ratio(found["pubsub"], found["publish"], "rows_per_s")
    figures["ndjson_vs_bare"] = ratio(found["ndjson"], found["upload"], "rows_per_s")
    return figures


if __name__ == "__main__":
    for name, one in run(*(int(text) for text in (*sys.argv[1:], "20000", "3")[:2])).items():
        print(name, one)
