"""The demo's output: a live progress bar on a terminal, plain lines elsewhere, and a table at the end."""

import time
from collections.abc import Iterable, Sequence

from rich import box
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from backfills.models import Job
from infra.local.demo.check import Findings

_COLUMNS = {
    "arrived": "arrived",
    "missing": "missing",
    "doubled": "more than once",
}
# Shown in words where they are not zero.
_REMARKS = {
    "unexpected": "not in the slice",
    "different": "with another content",
    "miskeyed": "with another key",
    "requests": "webhook requests",
    "repeated": "repeated, dropped by their names",
    "unsigned": "without a valid signature",
}


def watch(console: Console, states: Iterable[Job], limit: float) -> Job:
    """Show the job's progress until it ends. Return the ended job; TimeoutError after ``limit`` seconds.

    ``states``: the job at each poll, the last one in its final state.
    """
    started = time.monotonic()
    shown = ""
    with Progress(
        SpinnerColumn(),
        TextColumn("{task.description:<12}"),
        BarColumn(),
        TextColumn("{task.fields[state]}"),
        TimeElapsedColumn(),
        console=console,
        disable=not console.is_terminal,
    ) as bar:
        task = bar.add_task("staging", total=None, state="")
        pace = _Pace()
        for job in states:
            progress = job.progress
            rows = f"{progress.rows_done:,}/{_known(progress.rows_total)} rows"
            chunks = f"{progress.chunks_done:,}/{_known(progress.chunks_total)} chunks"
            state = f"{rows}, {chunks}, {pace.of(progress.rows_done):,.0f} rows/s"
            bar.update(
                task,
                description=job.status,
                total=progress.rows_total,
                completed=progress.rows_done,
                state=state,
            )
            if not console.is_terminal and state != shown:
                console.print(f"{job.status:<12} {state}", soft_wrap=True)
                shown = state
            if job.ended:
                return job
            if time.monotonic() - started > limit:
                break
    raise TimeoutError(f"the job did not end within {limit:.0f} s")


def show(console: Console, findings: Sequence[Findings]) -> None:
    """Print one line per destination."""
    table = Table(title="Rows that arrived, compared with the table row by row", box=box.SIMPLE)
    table.add_column("destination", no_wrap=True)
    for meaning in _COLUMNS.values():
        table.add_column(meaning, justify="right")
    table.add_column("remarks")
    table.add_column("verdict")
    for one in findings:
        counts = (f"{getattr(one, name):,}" for name in _COLUMNS)
        remarks = (f"{count:,} {words}" for name, words in _REMARKS.items() if (count := getattr(one, name)))
        table.add_row(one.destination, *counts, ", ".join(remarks), "all well" if one.all_well else "WRONG")
    console.print(table)


def _known(total: int | None) -> str:
    return "?" if total is None else f"{total:,}"


class _Pace:
    """Rows per second since the first progress."""

    def __init__(self) -> None:
        self._start: tuple[float, int] | None = None

    def of(self, rows: int) -> float:
        now = time.monotonic()
        if self._start is None or rows == 0:
            self._start = (now, rows)
        since, first = self._start
        return (rows - first) / (now - since) if now > since else 0.0
