"""Creating a backfill over HTTP, 8 clients at once, against a bare Firestore write and a publish."""

import json

import urllib3

from bench import api_work, brokers, process
from bench.figures import Figure, figure, ratio
from bench.function import serving
from bench.rounds import Measured, paired
from infra.local import environments

KEYS = ("api_create_p99_vs_bare",)

_CLIENTS = 8
_CALLS = 60
_BODY = {
    "job_name": "bench",
    "table": "base.assets.erc20_token_transfers",
    "backfill_window": {
        "partition_key": "block_timestamp",
        "start": "2026-03-01T00:00:00",
        "end": "2026-03-08T00:00:00",
    },
    "destinations": [{"type": "kafka", "name": "transfers"}],
}


def run(rounds: int) -> dict[str, Figure]:
    with brokers.stack("firestore", "pubsub") as stack:
        environment = environments.function("api", stack.options, stack.layout)
        with serving("api", environment) as url:
            key = stack.endpoints["api_key"]
            created(url, key, 5)
            found = paired(
                {
                    "api": lambda: created(url, key, _CALLS),
                    "bare": lambda: process.work(
                        api_work.bare, environment=environment, clients=_CLIENTS, calls=_CALLS
                    ),
                },
                rounds,
            )
    return {
        "api_create_p99_vs_bare": ratio(found["api"], found["bare"], "p99_ms"),
        "api_create_p99_ms": figure(each["p99_ms"] for each in found["api"]),
    }


def created(url: str, key: str, calls: int) -> Measured:
    """Create jobs, each client over a connection of its own that is kept alive."""
    pool = urllib3.HTTPConnectionPool(*_address(url), maxsize=_CLIENTS, retries=False)
    headers = {"X-API-Key": key, "Content-Type": "application/json"}
    body = json.dumps(_BODY)

    def call() -> None:
        answer = pool.request("POST", "/api/v1/beam/backfills", body=body, headers=headers)
        if answer.status != 201:
            raise process.BenchFailure(f"the API answered {answer.status}: {answer.data!r}")

    return {"p99_ms": api_work.percentile_99(api_work.latencies(call, _CLIENTS, calls))}


def _address(url: str) -> tuple[str, int]:
    parsed = urllib3.util.parse_url(url)
    return str(parsed.host), int(parsed.port or 80)
