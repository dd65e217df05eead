"""Parquet to a webhook on the other core: CPU time compared with its parts, rows/s with a bare loop of
posts.
"""

from collections.abc import Callable
from typing import Any

from bench import chunk, process, webhook_work
from bench.brokers import Talker, talker
from bench.figures import Figure, figure, ratio
from bench.rounds import Measured, paired

KEYS = ("webhook_cpu_overhead", "webhook_vs_pure")


def run(rounds: int) -> dict[str, Figure]:
    path = str(chunk.staged())
    compared = False

    def sent(work: Callable[..., Any], **options: Any) -> Measured:
        nonlocal compared
        with talker("bench.receiver", path) as receiver:
            measured = process.work(work, path=path, url=receiver.said, **options)
            question = "count" if compared or work is not webhook_work.product else "compare"
            _check(measured, receiver, question)
            if question == "compare":
                compared = True
                print(f"oracle: {measured['rows']:.0f} rows equal")
            return measured

    found = paired(
        {
            "product": lambda: sent(webhook_work.product),
            "encode": lambda: process.work(webhook_work.encode_only, path=path),
            "sign": lambda: process.work(webhook_work.sign_only, path=path),
            "post": lambda: sent(webhook_work.post_only),
            "in_python": lambda: sent(webhook_work.product, in_python=True),
        },
        rounds,
    )
    parts = [found["encode"], found["sign"], found["post"]]
    return {
        "webhook_cpu_overhead": figure(
            whole["cpu_us"] / sum(part["cpu_us"] for part in alone)
            for whole, *alone in zip(found["product"], *parts, strict=True)
        ),
        "webhook_vs_pure": ratio(found["product"], found["in_python"], "rows_per_s"),
        "webhook_rows_per_s": figure(each["rows_per_s"] for each in found["product"]),
        "webhook_bare_posts_rows_per_s": figure(each["rows_per_s"] for each in found["post"]),
        "webhook_vs_bare_posts": ratio(found["product"], found["post"], "rows_per_s"),
        "webhook_cpu_us_per_row": figure(each["cpu_us"] for each in found["product"]),
    }


def _check(measured: Measured, receiver: Talker, question: str) -> None:
    arrived = int(receiver.ask(question) or 0)
    if arrived != measured["rows"]:
        raise process.BenchFailure(f"{arrived} of {measured['rows']} rows arrived at the receiver")
