"""What is measured against, on the core that is not measured: a new one whenever one is asked for."""

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
    """A program of ours that answers each line of its input with a line; ``said`` is its first one."""

    said: str
    _process: subprocess.Popen[str]

    def ask(self, question: str) -> str:
        """BenchFailure if it answers nothing."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(f"{question}\n")
        self._process.stdin.flush()
        if answer := self._process.stdout.readline().strip():
            return answer
        raise process.BenchFailure(f"{self._process.args!r} does not answer {question}")


@contextmanager
def talker(module: str, *arguments: str) -> Iterator[Talker]:
    """Run a module of `bench` on the other core; it ends when its input does."""
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
    """Librdkafka's mock cluster with the topic: it acknowledges as fast as it reads, and ``said`` is its
    address. Asked for a topic, it tells how many messages are in it.
    """
    with talker("bench.mock_broker", topic) as cluster:
        yield cluster


@contextmanager
def stack(*parts: str, destinations: Collection[str] = ()) -> Iterator[LocalStack]:
    """Parts of the local stack, such as Apache Kafka, with nothing in them; ``destinations``: kinds whose
    servers it has as well.
    """
    with (
        tempfile.TemporaryDirectory() as folder,
        LocalStack(
            StackOptions(folder=Path(folder), parts=frozenset(parts), destinations=frozenset(destinations))
        ) as running,
    ):
        yield running
