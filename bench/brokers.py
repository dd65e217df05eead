"""Brokers and receivers on the core that is not measured; each request starts a new one."""

import subprocess
import sys
import tempfile
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench import process
from infra.local.options import StackOptions
from infra.local.supervisor import LocalStack


@dataclass(frozen=True)
class Talker:
    """One of our programs, which answers each line of its input with a line; ``said`` is its first line."""

    said: str
    _process: subprocess.Popen[str]

    def ask(self, question: str) -> str:
        """Send a line and return the answer. Raises BenchFailure if there is none."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(f"{question}\n")
        self._process.stdin.flush()
        if answer := self._process.stdout.readline().strip():
            return answer
        raise process.BenchFailure(f"{self._process.args!r} does not answer {question}")


@contextmanager
def talker(module: str, *arguments: str) -> Iterator[Talker]:
    """Run a module of `bench` on the other core; it exits when its input ends."""
    command = process.pinned([sys.executable, "-m", module, *arguments], process.OTHER_CORE)
    with subprocess.Popen(
        command, cwd=process.ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as running:
        assert running.stdin
        assert running.stdout
        try:
            yield Talker(running.stdout.readline().strip(), running)
        finally:
            running.stdin.close()
            running.wait(timeout=60)


@contextmanager
def mock_broker(topic: str) -> Iterator[Talker]:
    """Run librdkafka's mock cluster with the topic. It acknowledges as fast as it reads; ``said`` is its
    address. For a topic's name it answers with the number of messages.
    """
    with talker("bench.mock_broker", topic) as cluster:
        yield cluster


@contextmanager
def stack(*parts: str, destinations: Collection[str] = ()) -> Iterator[LocalStack]:
    """Start empty parts of the local stack, for example Apache Kafka; ``destinations``: kinds whose servers
    it starts too.
    """
    with (
        tempfile.TemporaryDirectory() as folder,
        LocalStack(
            StackOptions(
                folder=Path(folder),
                parts=frozenset(parts),
                destinations=frozenset(destinations),
                optimize_kafka=True,
            )
        ) as running,
    ):
        yield running
