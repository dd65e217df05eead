"""Many deliveries that finish at once, with every message twice: is the countdown fast and exact?

A bare loop over the same writes and reads follows each job. The ratio of both tells the service's own share,
on any machine.
"""

import multiprocessing
import os
import random
import statistics
import tempfile
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from google.cloud import firestore

from infra.local.options import StackOptions
from infra.local.supervisor import LocalStack
from shared.domain.chunks import Chunk
from shared.domain.jobs import Job, JobStatus
from shared.steps.finish import Finish
from tests.contract.records import Records, in_firestore
from tests.fakes.queue import FakeQueue
from tests.reliability import report
from tests.reliability.faults import bare_countdown

TITLE = "The countdown under contention"
JOBS = 5
CHUNKS = 2_000
WORKERS = 100
LEAST_RATIO = 0.7
PACE = "chunks counted down per second, median of the jobs"
BARE = "chunks per second of a bare loop over the same writes and reads, median"
RATIO = "chunks counted down per second over the bare loop's, median of the jobs"
FAILED = "messages that failed"
LEFT = "chunks_left wrong at the end"
UNFINISHED = "jobs not completed at the end"
_PROCESSES = 2
_VARIABLE = "FIRESTORE_EMULATOR_HOST"


@dataclass(frozen=True, slots=True)
class _Round:
    """One job's countdown: errors, duration, remaining count, completion."""

    errors: list[str]
    seconds: float
    left: int
    completed: bool
    bare_seconds: float


# Connects, and returns the function that handles one message.
_Begin = Callable[[], Callable[[Chunk], None]]


def run(
    seed: int,
    *,
    chunks: int = CHUNKS,
    workers: int = WORKERS,
    jobs: int = JOBS,
    least_ratio: float = LEAST_RATIO,
    say: Callable[[str], None] = print,
) -> report.Report:
    """Count jobs of this many chunks down with this many workers, one by one, on a separate emulator."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder, _emulator(Path(folder)):
        project = f"countdown-{uuid.uuid4().hex[:12]}"
        records = in_firestore(firestore.Client(project=project))
        # The first job warms the emulator up, which compiles its code meanwhile.
        first, *rounds = [
            _count(records, project, chunks, workers, seed + number) for number in range(jobs + 1)
        ]
    errors = [error for round_ in (first, *rounds) for error in round_.errors]
    for error in errors[:5]:
        say(error)
    paces = [chunks / round_.seconds for round_ in rounds]
    bare = [chunks / round_.bare_seconds for round_ in rounds]
    figures = {
        "jobs": len(rounds),
        "chunks per job": chunks,
        "messages per job": 2 * chunks,
        "concurrent deliveries": workers,
        PACE: round(statistics.median(paces), 1),
        "chunks counted down per second, slowest job": round(min(paces), 1),
        "chunks counted down per second, fastest job": round(max(paces), 1),
        BARE: round(statistics.median(bare), 1),
        RATIO: round(statistics.median(ours / theirs for ours, theirs in zip(paces, bare, strict=True)), 2),
        FAILED: len(errors),
        LEFT: sum(abs(round_.left) for round_ in (first, *rounds)),
        UNFINISHED: sum(not round_.completed for round_ in (first, *rounds)),
    }
    return report.Report(
        suite="countdown",
        title=TITLE,
        seed=seed,
        seconds=time.monotonic() - began,
        figures=figures,
        zeroes=(FAILED, LEFT, UNFINISHED),
        least={RATIO: least_ratio},
        faults=tuple(errors[:5]),
    )


def _count(records: Records, project: str, chunks: int, workers: int, seed: int) -> _Round:
    """Count a new job of this many chunks down: two messages for each, in random order."""
    job, found = records.transporting(chunks)
    _arrive(records, job, found)
    messages = [*found, *found]
    random.Random(seed).shuffle(messages)  # noqa: S311 - repeatable
    errors, seconds = _deliver(partial(_service, project, job), messages, workers)
    counts, ended = records.jobs.counts(job), records.now(job)
    left = counts.chunks_left if counts else chunks
    bare_countdown.prepare(firestore.Client(project=project), job.job_id, found)
    bare_errors, bare_seconds = _deliver(partial(_bare, project, job), messages, workers)
    return _Round([*errors, *bare_errors], seconds, left, ended.status is JobStatus.COMPLETED, bare_seconds)


def _arrive(records: Records, job: Job, chunks: Sequence[Chunk]) -> None:
    """Mark every chunk as delivered to every destination."""

    def arrive(chunk: Chunk) -> None:
        for destination in job.destinations:
            lease = records.deliveries.take(job, chunk.number, destination.uid)
            assert lease is not None
            lease.done(chunk.rows, None)

    with ThreadPoolExecutor(_PROCESSES) as pool:
        list(pool.map(arrive, chunks))


@contextmanager
def _emulator(folder: Path) -> Iterator[None]:
    options = StackOptions(folder=folder, parts=frozenset({"firestore"}), ready_limit=300.0)
    with LocalStack(options) as stack:
        before = os.environ.get(_VARIABLE)
        os.environ[_VARIABLE] = stack.endpoints["firestore_host"]
        try:
            yield
        finally:
            os.environ.pop(_VARIABLE)
            if before is not None:
                os.environ[_VARIABLE] = before


def _deliver(begin: _Begin, messages: list[Chunk], workers: int) -> tuple[list[str], float]:
    """Handle every message like the end of a delivery; return the errors and the duration in seconds.

    Uses two processes: one interpreter's threads share one core, and the clients need more than the emulator.
    """
    context = multiprocessing.get_context("spawn")
    with context.Manager() as manager, ProcessPoolExecutor(_PROCESSES, mp_context=context) as pool:
        together = manager.Barrier(_PROCESSES)
        shares = [messages[number::_PROCESSES] for number in range(_PROCESSES)]
        done = [pool.submit(_work, begin, share, workers // _PROCESSES, together) for share in shares]
        results = [each.result() for each in done]
    errors = [error for result in results for error in result[0]]
    return errors, max(result[2] for result in results) - min(result[1] for result in results)


def _service(project: str, job: Job) -> Callable[[Chunk], None]:
    """Return the service's end of a delivery."""
    records = in_firestore(firestore.Client(project=project))
    finish = Finish(records.jobs, FakeQueue(), lambda: datetime.now(UTC))
    records.now(job)  # connects

    def count(chunk: Chunk) -> None:
        if records.chunks.count_down(job, chunk):
            finish.if_all_delivered(job)

    return count


def _bare(project: str, job: Job) -> Callable[[Chunk], None]:
    """Return the bare loop's."""
    client = firestore.Client(project=project)
    client.collection(job.job_id).document("shard-0").get()  # connects
    return bare_countdown.counting(client, job.job_id, job.shards)


def _work(
    begin: _Begin, messages: list[Chunk], workers: int, together: threading.Barrier
) -> tuple[list[str], float, float]:
    """Do one process's share; return the errors, its start and its end in the system's monotonic time."""
    count = begin()
    errors: list[str] = []

    def handle(chunk: Chunk) -> None:
        try:
            count(chunk)
        except Exception as error:  # noqa: BLE001 - counted
            errors.append(f"{type(error).__name__}: {error} {getattr(error, 'detail', '')}".strip())

    with ThreadPoolExecutor(workers) as pool:
        together.wait()
        began = time.monotonic()
        list(pool.map(handle, messages))
        return errors, began, time.monotonic()
