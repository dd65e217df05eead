"""Brokers to measure against, on the core that is not measured: a new one whenever one is asked for."""

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench import process
from infra.local.options import StackOptions
from infra.local.supervisor import LocalStack


@dataclass(frozen=True)
class MockBroker:
    """librdkafka's mock cluster, which holds nothing back: it acknowledges as fast as it reads."""

    address: str
    _process: subprocess.Popen[str]

    def messages_in(self, topic: str) -> int:
        """How many messages arrived in the topic."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(f"{topic}\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())


@contextmanager
def mock_broker(topic: str) -> Iterator[MockBroker]:
    """A mock cluster that has the topic."""
    command = process.pinned([sys.executable, "-m", "bench.mock_broker", topic], process.OTHER_CORE)
    with subprocess.Popen(
        command, cwd=process.ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as running:
        assert running.stdin
        assert running.stdout
        try:
            yield MockBroker(running.stdout.readline().strip(), running)
        finally:
            running.stdin.close()
            running.wait(timeout=30)


@contextmanager
def stack(*parts: str) -> Iterator[LocalStack]:
    """Parts of the local stack, such as Apache Kafka, with nothing in them."""
    with (
        tempfile.TemporaryDirectory() as folder,
        LocalStack(StackOptions(folder=Path(folder), parts=frozenset(parts))) as running,
    ):
        yield running
