"""Watch a job to its end: redraw on a terminal, otherwise print only the final state."""

from __future__ import annotations

import shutil
import sys
import textwrap
import time
from collections import deque
from typing import TYPE_CHECKING

import click

from backfills.cli import text
from backfills.cli.advice import advice
from backfills.cli.common import json_of
from backfills.cli.exits import Exit, of_status
from backfills.cli.text import number, printable, say, whisper

if TYPE_CHECKING:
    from backfills.models import Destination, Job
    from backfills.sync_client import Client

RATE_SECONDS = 30.0  # the period of the rate
BAR = 20  # columns
NAMES = 32  # columns, the maximum for a destination's name


def watch(service: Client, job_id: str, interval: float, *, as_json: bool) -> int:
    """Return the exit code. With JSON, print a line for each change."""
    screen = Screen() if text.drawn_on(sys.stdout) and not as_json else None
    before = last = None
    try:
        for last in service.watch(job_id, interval=interval):
            if as_json and (line := json_of(last)) != before:
                click.echo(line)
                before = line
            elif screen is not None:
                screen.draw(last, time.monotonic())
    except KeyboardInterrupt:
        whisper(
            f"Stopped watching. The job continues; to watch it again: backfills watch {printable(job_id)}"
            if last is None or not last.ended
            else "Interrupted."
        )
        return Exit.INTERRUPTED
    if last is None:
        raise RuntimeError("The watch ended without a job")
    if screen is None and not as_json:
        say("\n".join([_summary(last), *advice(last)]))
    return of_status(last.status)


def _summary(job: Job) -> str:
    rows, chunks = job.progress.rows_done, job.progress.chunks_done
    return f"{text.status(job.status)}: {number(rows)} rows in {number(chunks)} chunks"


class Rate:
    """The recent rows per second."""

    def __init__(self) -> None:
        self._seen: deque[tuple[float, int]] = deque()

    def add(self, now: float, rows: int) -> None:
        """Add a sample; a retried job starts from the beginning."""
        if self._seen and rows < self._seen[-1][1]:
            self._seen.clear()
        self._seen.append((now, rows))
        while now - self._seen[0][0] > RATE_SECONDS and len(self._seen) > 2:  # noqa: PLR2004 - a rate needs two
            self._seen.popleft()

    @property
    def per_second(self) -> float | None:
        """Return the rate, None without enough samples."""
        (start, before), (end, after) = self._seen[0], self._seen[-1]
        return (after - before) / (end - start) if end > start else None


class Screen:
    """Lines that replace the previously drawn ones."""

    def __init__(self) -> None:
        self._rate = Rate()
        self._drawn = 0

    def draw(self, job: Job, now: float) -> None:
        self._rate.add(now, job.progress.rows_done)
        columns, height = shutil.get_terminal_size()
        # A terminal of unknown size reports 0, which Python 3.10 returns unchanged.
        columns, height = columns or 80, height or 24
        lines = [
            fitted for line in picture(job, self._rate.per_second) for fitted in _fitted(line, columns - 1)
        ]
        if not job.ended:
            # Lines that have scrolled off the top cannot be redrawn.
            lines = lines[: height - 1]
        if not text.coloured(sys.stdout):
            lines = [click.unstyle(line) for line in lines]
        back = f"\x1b[{self._drawn}A" if self._drawn else ""
        # Clear each line behind its text, not before it, to avoid flicker.
        click.echo(back + "\n".join(f"{line}\x1b[K" for line in lines) + "\x1b[J", color=True)
        self._drawn = len(lines)


def _fitted(line: str, columns: int) -> list[str]:
    """Split a line into terminal rows, because wrapped lines would shift the redraw. Drops colours if it is
    too long.
    """
    if text.width(line) <= columns:
        return [line]
    parts = textwrap.wrap(click.unstyle(line), max(columns, 1), break_on_hyphens=False)
    return [text.cut(part, columns) for part in parts]


def picture(job: Job, rate: float | None) -> list[str]:
    """Return the lines that a terminal shows."""
    progress = job.progress
    parts = [f"{number(progress.rows_done)} of {number(progress.rows_total)} rows"]
    parts.append(f"{number(progress.chunks_done)} of {number(progress.chunks_total)} chunks")
    if not job.ended and rate is not None:
        parts.append(f"{rate:,.0f} rows/s")
        if rate > 0 and progress.rows_total is not None:
            parts.append(f"{text.duration((progress.rows_total - progress.rows_done) / rate)} left")
    if job.status == "staging":
        parts = ["Snowflake is unloading the slice"]
    names = [text.cut(printable(f"{each.type} {each.name}"), NAMES) for each in job.destinations]
    widest = max((text.width(name) for name in names), default=0)
    bars = [
        f"{name}{' ' * (widest - text.width(name))} {_bar(each, progress.rows_total)}"
        for name, each in zip(names, job.destinations, strict=True)
    ]
    return [
        f"{text.status(job.status)}{' (paused)' if job.paused else ''}  {printable(job.job_name)}",
        ", ".join(parts),
        *bars,
        *advice(job),
    ]


def _bar(destination: Destination, total: int | None) -> str:
    state = destination.state
    done = 0 if state is None else state.rows_done
    part = 1.0 if state is not None and state.status == "done" else min(1.0, done / total) if total else 0.0
    full, empty = _cells()
    filled = int(part * BAR)
    word = text.status("pending" if state is None else state.status)
    bar = f"{full * filled}{empty * (BAR - filled)} {int(part * 100):3d} %"
    return f"{bar}  {number(done)}  {word}"


def _cells() -> tuple[str, str]:
    encoding = sys.stdout.encoding or "ascii"
    try:
        "█░".encode(encoding)
    except (UnicodeEncodeError, LookupError):
        return "#", "-"
    return "█", "░"
