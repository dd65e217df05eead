"""The delivery function, from a push to its answer, compared with the library alone on a local file."""

import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from bench import brokers, chunk, exactly_once, function_work, kafka_work, process
from bench.figures import Figure, figure, ratio
from bench.rounds import Measured
from infra.local import environments
from infra.local.calls import call
from infra.local.ports import LOOPBACK, accepts, free_ports
from infra.local.supervisor import LocalStack

KEYS = ("function_vs_library",)

_WARM_ROWS = 2_000
_SECONDS = 30.0


def run(rounds: int) -> dict[str, Figure]:
    path = chunk.staged()
    found: dict[str, list[Measured]] = {"function": [], "library": []}
    for turn in range(rounds):
        with brokers.stack("firestore", "pubsub", "gcs", "kafka") as stack:
            environment = environments.function("deliver", stack.options, stack.layout)
            with serving("deliver", environment) as url:
                _deliver(url, chunk.staged(_WARM_ROWS), "warm", environment)
                order = ["function", "library"][:: -1 if turn % 2 else 1]
                for name in order:
                    found[name].append(
                        _deliver(url, path, name, environment)
                        if name == "function"
                        else _library(path, name, stack)
                    )
    return {
        "function_vs_library": ratio(found["function"], found["library"], "rows_per_s"),
        "function_rows_per_s": figure(each["rows_per_s"] for each in found["function"]),
    }


@contextmanager
def serving(name: str, environment: Mapping[str, str]) -> Iterator[str]:
    """Serve a function on the measured core; yield its URL."""
    (port,) = free_ports(1)
    source = f"functions/{name}/main.py"
    command = [sys.executable, "-m", "functions_framework", "--target", "handle", "--source", source]
    command += ["--host", LOOPBACK, "--port", str(port)]
    with subprocess.Popen(
        process.pinned(command, process.MEASURED_CORE),
        cwd=process.ROOT,
        env=dict(environment),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as running:
        try:
            _wait(running, port)
            yield f"http://{LOOPBACK}:{port}/"
        finally:
            running.terminate()


def _wait(running: subprocess.Popen[bytes], port: int) -> None:
    until = time.monotonic() + _SECONDS
    while not accepts(port):
        if running.poll() is not None or time.monotonic() > until:
            raise process.BenchFailure(f"the function did not start: {running.args!r}")
        time.sleep(0.05)


def _deliver(url: str, path: Path, name: str, environment: Mapping[str, str]) -> Measured:
    """Push one chunk's message; the broker must have its rows when the function answers."""
    prepared = process.work(
        function_work.prepare, core=process.OTHER_CORE, environment=environment, path=str(path), name=name
    )
    began = time.perf_counter()
    answer = call("POST", url, body=prepared["envelope"], retries=False, timeout=300)
    seconds = time.perf_counter() - began
    rows = chunk.ROWS if path == chunk.staged() else _WARM_ROWS
    bootstrap = environment["KAFKA_CLIENT"].partition('bootstrap.servers": "')[2].partition('"')[0]
    if answer.status != 204:
        raise process.BenchFailure(f"the function answered {answer.status}")
    exactly_once.require_rows(bootstrap, kafka_work.topic(name), rows, transaction=True)
    return {"rows": rows, "seconds": seconds, "rows_per_s": rows / seconds}


def _library(path: Path, name: str, stack: LocalStack) -> Measured:
    bootstrap = stack.endpoints["kafka_bootstrap"]
    exactly_once.create_topic(bootstrap, kafka_work.topic(name))
    return process.work(kafka_work.exactly_once, path=str(path), bootstrap=bootstrap, name=name)
