"""The record of all queries, running and ended, with their outcomes."""

from __future__ import annotations

import threading
import time
import uuid
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from local_snowflake.failures import CANCELED, Failure

if TYPE_CHECKING:
    from collections.abc import Callable

    from local_snowflake.rowsets import Rowset

_INTERRUPT_SECONDS = 0.05
_KEPT = 10_000  # the most that Snowflake's QUERY_HISTORY can return


class Status(StrEnum):
    """A query's status in the terms of the monitoring route and QUERY_HISTORY."""

    RUNNING = "RUNNING"
    SUCCESS = "SUCCESS"
    FAILED = "FAILED_WITH_ERROR"  # also for canceled queries, which differ only in their error


@dataclass(eq=False)
class Query:
    """One statement that was sent."""

    text: str
    tag: str
    session_id: int
    request_id: str | None
    is_unload: bool
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    start_time: datetime = field(default_factory=lambda: datetime.now(UTC))
    end_time: datetime | None = None
    result: Rowset | None = None
    failure: Failure | None = None
    interrupt: Callable[[], None] | None = None  # interrupts the DuckDB connection that runs it
    ended: Future[None] = field(default_factory=Future)
    canceled: threading.Event = field(default_factory=threading.Event)
    _reason: Failure = CANCELED

    @property
    def status(self) -> Status:
        if not self.ended.done():
            return Status.RUNNING
        return Status.FAILED if self.failure else Status.SUCCESS

    def end(self, outcome: Rowset | Failure) -> None:
        """Record the outcome. A cancelled query has failed, even if it still completed its work."""
        if self.canceled.is_set():
            outcome = self._reason
        if isinstance(outcome, Failure):
            self.failure = outcome
        else:
            self.result = outcome
        self.end_time = datetime.now(UTC)
        self.ended.set_result(None)

    def cancel(self, reason: Failure = CANCELED) -> bool:
        """Request the query's end without waiting for it. Return whether there was anything to stop."""
        if self.ended.done():
            return False
        self._reason = reason
        self.canceled.set()
        threading.Thread(target=self._keep_interrupting, daemon=True).start()
        return True

    def _keep_interrupting(self) -> None:
        # A single interrupt may come between two of DuckDB's statements, where it has no effect.
        while not self.ended.done():
            if self.interrupt:
                self.interrupt()
            time.sleep(_INTERRUPT_SECONDS)


class QueryLog:
    """All queries by id, and by the request that sent them."""

    def __init__(self) -> None:
        self._queries: dict[str, Query] = {}
        self._by_request: dict[str, Query] = {}
        self._lock = threading.Lock()

    def add(self, query: Query) -> Query | None:
        """Record a new query. Return an earlier query of the same request instead, if any."""
        with self._lock:
            if query.request_id and (earlier := self._by_request.get(query.request_id)):
                return earlier
            self._queries[query.id] = query
            if query.request_id:
                self._by_request[query.request_id] = query
            self._forget()
        return None

    def get(self, query_id: str) -> Query | None:
        return self._queries.get(query_id)

    def of_request(self, request_id: str) -> Query | None:
        return self._by_request.get(request_id)

    def all(self) -> list[Query]:
        """Return all queries, oldest first."""
        with self._lock:
            return list(self._queries.values())

    def _forget(self) -> None:
        for query in list(self._queries.values())[: max(0, len(self._queries) - _KEPT)]:
            if query.ended.done() and not query.is_unload:
                del self._queries[query.id]
                self._by_request.pop(query.request_id or "", None)
