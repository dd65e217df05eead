"""Parquet to SNS, beside a bare loop of the client: ``python -m bench.sns [ROUNDS]``.

Not among the parts of ``python -m bench``: the topic is a stand-in, and what SNS itself takes is not known.
"""

import json
import sys
from collections.abc import Callable
from typing import Any

from bench import chunk, process, sns_work
from bench.brokers import talker
from bench.figures import Figure, figure, ratio
from bench.rounds import Measured, paired


def run(rounds: int) -> dict[str, Figure]:
    path = str(chunk.staged(sns_work.ROWS))

    def sent(work: Callable[..., Any]) -> Measured:
        with talker("bench.sns_topic") as topic:
            measured = process.work(work, path=path, url=topic.said)
            if (arrived := int(topic.ask("count"))) != measured["rows"]:
                raise process.BenchFailure(f"{arrived} of {measured['rows']} rows arrived at the topic")
            return measured

    found = paired(
        {"product": lambda: sent(sns_work.product), "publish": lambda: sent(sns_work.publish_only)}, rounds
    )
    return {
        "sns_rows_per_s": figure(each["rows_per_s"] for each in found["product"]),
        "sns_bare_rows_per_s": figure(each["rows_per_s"] for each in found["publish"]),
        "sns_vs_bare": ratio(found["product"], found["publish"], "rows_per_s"),
        "sns_cpu_us_per_row": figure(each["cpu_us"] for each in found["product"]),
        "sns_bare_cpu_us_per_row": figure(each["cpu_us"] for each in found["publish"]),
        "sns_peak_mib": figure(each["peak_mib"] for each in found["product"]),
    }


if __name__ == "__main__":
    process.stay_aside()
    print(
        json.dumps({name: str(each) for name, each in run(int((sys.argv[1:] or ["3"])[0])).items()}, indent=2)
    )
