"""Calls of several requests, as steps that both clients run: the two lists and the watch."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Generic, TypeVar

from backfills import calls
from backfills.calls import Call, Item, Page, Query, Reply
from backfills.models import Job
from backfills.tries import Lost, Pause, Retries, Send, tried

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


@dataclass(frozen=True)
class Emit(Generic[T_co]):
    """Yield this to the caller; send None."""

    item: T_co


Script = Generator["Send | Pause | Emit[T]", "Reply | Lost | None", None]


def pages(call: Callable[[Query], Call[Page[Item]]], first: Query, retries: Retries) -> Script[Item]:
    """Yield every item of every page; read each page only after the previous one is used up."""
    query: Query | None = first
    while query is not None:
        page = yield from tried(call(query), retries)
        for item in page.items:
            yield Emit(item)
        query = page.following


def watch(job_id: str, interval: float, retries: Retries) -> Script[Job]:
    """Yield the job every ``interval`` seconds, and finally as it ended."""
    while True:
        job = yield from tried(calls.get(job_id), retries)
        yield Emit(job)
        if job.ended:
            return
        yield Pause(interval)
