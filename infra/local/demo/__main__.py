"""`make demo`: run a real backfill to Kafka and to a webhook receiver, watch it, and check every row.

`DESTINATIONS=all`, or some kinds, adds these destinations.
"""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from rich.console import Console

from backfills import BackfillsError, Client
from infra.local.crew import StackFailure
from infra.local.demo import arrivals
from infra.local.demo.check import check_arrivals, check_kafka, check_webhook
from infra.local.demo.expected import Slice, Table
from infra.local.demo.screen import show, watch
from infra.local.options import ROOT, OptionError, StackOptions, from_environment
from infra.local.parts import MissingPart
from infra.local.stack import Ended, end_on_signals
from infra.local.supervisor import LocalStack
from infra.local.table import data_file

_TOPIC = "demo-transfers"
_WEBHOOK = "demo-receiver"
_EXTERNAL = "external_kafka"
_LIMIT_SECONDS = 1800.0
_SNS_ROWS = 20_000  # the server that replaces Amazon keeps them all in memory, at some 2,000 rows/s
_LOOK_SECONDS = 0.5


def main() -> int:
    console = Console()
    end_on_signals()
    try:
        options = from_environment()
        if "sns" in options.destinations:
            options = replace(options, rows=min(options.rows, _SNS_ROWS))
        token = os.environ.get("TOKEN", "").lower() or None
        began = time.monotonic()
        console.print("Starting the local stack (its logs are in", options.folder / "logs", end=")\n")
        with LocalStack(options) as stack:
            console.print(f"Started and filled in {time.monotonic() - began:.0f} s")
            return _run(console, options, stack.endpoints, token)
    except Ended:
        return 130
    except (StackFailure, OptionError, MissingPart, BackfillsError, TimeoutError, ValueError) as failure:
        console.print(str(failure), style="red", markup=False)
        return 1


def _run(console: Console, options: StackOptions, endpoints: dict[str, Any], token: str | None) -> int:
    table, folder = Table(data_file(options)), options.folder
    wanted = table.slice_of_all(token)
    spool = folder / "demo-webhook.jsonl"
    spool.unlink(missing_ok=True)
    with (
        Client(endpoints["api_url"], endpoints["api_key"]) as client,
        _receiver(spool, endpoints["webhook_secret"]["value"]) as port,
    ):
        body = _request(wanted, port, endpoints["webhook_secret"]["name"])
        body["destinations"] += _others(options.destinations, endpoints)
        tokens = f"token_address {token}" if token else "all tokens"
        console.print(
            f"POST /api/v1/beam/backfills: {body['table']}, {wanted.start} to {wanted.end}, {tokens}"
        )
        began = time.monotonic()
        states = client.watch(client.create(body).job_id, interval=_LOOK_SECONDS)
        job = watch(console, states, _LIMIT_SECONDS)
        seconds = time.monotonic() - began
    if job.status != "completed":
        console.print(f"The job {job.status}: {job.error_message}", style="red", markup=False)
        return 1
    console.print(
        f"{job.progress.rows_done:,} rows in {job.num_chunks} chunks to {len(job.destinations)} "
        f"destinations, {seconds:.1f} s from POST to completed"
    )
    expected = table.digests(wanted)
    topic = f"beam.{endpoints['organization_id']}.{_TOPIC}"
    bootstrap = endpoints["kafka_bootstrap"]
    with ProcessPoolExecutor(2) as pool:
        checks = [
            pool.submit(check_kafka, "kafka", bootstrap, topic, expected),
            pool.submit(check_webhook, "webhook", spool, expected),
        ]
        for kind in sorted(options.destinations):
            if kind == _EXTERNAL:
                named = endpoints["external_kafka"]["topic"]
                checks.append(pool.submit(check_kafka, kind, bootstrap, named, expected))
            else:
                checks.append(pool.submit(check_arrivals, kind, endpoints, expected))
        findings = [check.result() for check in checks]
    show(console, findings)
    well = all(one.all_well for one in findings) and job.progress.rows_done == len(expected)
    return 0 if well else 1


def _others(kinds: frozenset[str], endpoints: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the destinations of the additional kinds."""
    fields = {
        kind: {**endpoints["external_kafka"], "sasl_mechanism": "SCRAM-SHA-512"}
        if kind == _EXTERNAL
        else arrivals.of(kind, endpoints).fields
        for kind in sorted(kinds)
    }
    return [{"type": kind, "name": f"demo-{kind}", **given} for kind, given in fields.items()]


def _request(wanted: Slice, port: int, secret: str) -> dict[str, Any]:
    request: dict[str, Any] = {
        "job_name": "Demo",
        "table": "base.assets.erc20_token_transfers",
        "backfill_window": {
            "partition_key": "block_timestamp",
            "start": wanted.start,
            "end": wanted.end,
        },
        "destinations": [
            {"type": "kafka", "name": _TOPIC},
            {"type": "webhook", "name": _WEBHOOK, "url": f"http://127.0.0.1:{port}/", "hash_key": secret},
        ],
    }
    if wanted.token is not None:
        request["filter"] = {"column": "token_address", "values": [wanted.token]}
    return request


@contextmanager
def _receiver(spool: Path, secret: str) -> Iterator[int]:
    """Run a receiver in a separate process, so that it does not slow down the demo."""
    command = [sys.executable, "-m", "infra.local.demo.receiver", str(spool)]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        if process.stdin is None or process.stdout is None:
            raise StackFailure("the webhook receiver has no pipes")
        process.stdin.write(secret + "\n")
        process.stdin.flush()
        yield int(process.stdout.readline())
        process.stdin.close()


if __name__ == "__main__":
    sys.exit(main())
