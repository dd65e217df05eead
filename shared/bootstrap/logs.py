"""Structured logs: one JSON object per line on standard output, in the form of Cloud Logging.

Every entry has the trace and the fields of the current work, so that one query shows a job's whole story.
"""

import json
import logging
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any

from shared.domain import traces
from shared.domain.events import Event, fields_of

_LOGGER = logging.getLogger("backfills")
_WORK: ContextVar[Mapping[str, Any]] = ContextVar("work", default={})  # noqa: B039 - never mutated


class _JsonLines(logging.Formatter):
    def __init__(self, project: str) -> None:
        super().__init__()
        self._project = project

    def format(self, record: logging.LogRecord) -> str:
        time = datetime.fromtimestamp(record.created, UTC).isoformat()
        entry = {"time": time, "severity": record.levelname, "message": record.getMessage()}
        entry["logger"] = record.name
        entry |= {**self._trace(), **_WORK.get(), **getattr(record, "fields", {})}
        if record.exc_info:
            entry["stack_trace"] = self.formatException(record.exc_info)
        return json.dumps(entry, default=str)

    def _trace(self) -> dict[str, Any]:
        """Return the trace under Cloud Logging's own names, which link entries with spans and requests."""
        trace = traces.current()
        if trace is None:
            return {}
        return {
            "logging.googleapis.com/trace": f"projects/{self._project}/traces/{trace.trace_id}",
            "logging.googleapis.com/spanId": trace.span_id,
            "logging.googleapis.com/trace_sampled": trace.sampled,
        }


def configure(project: str) -> None:
    """Write all logs of the process as JSON. The vendors' clients log only warnings and errors."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(_JsonLines(project))
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    _LOGGER.setLevel(logging.INFO)
    # By default, Google's clients do not propagate their logs.
    logging.getLogger("google").propagate = True


@contextmanager
def working_on(fields: Mapping[str, Any]) -> Iterator[None]:
    """Add the fields to every log entry of this thread until the work is done."""
    token = _WORK.set({**_WORK.get(), **fields})
    try:
        yield
    finally:
        _WORK.reset(token)


def log(level: int, message: str, fields: Mapping[str, Any], *, error: BaseException | None = None) -> None:
    """Write one log entry; ``fields`` are additional keys."""
    _LOGGER.log(level, message, extra={"fields": dict(fields)}, exc_info=error)


def report(event: Event) -> None:
    """Write the event as a log entry. The operator's metrics and the audit log are built from these
    entries.
    """
    log(logging.INFO, event.name.replace("_", " "), fields_of(event))
