"""Structured logs: one JSON object a line on standard output, as Cloud Logging reads them.

Every entry carries the trace and the fields of the work it was written in, so that one query tells a
job's story.
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
_WORK: ContextVar[Mapping[str, Any]] = ContextVar("work", default={})  # noqa: B039 - it is never changed


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
        """Cloud Logging's own names: it shows the entries beside the spans, and beside the requests."""
        trace = traces.current()
        if trace is None:
            return {}
        return {
            "logging.googleapis.com/trace": f"projects/{self._project}/traces/{trace.trace_id}",
            "logging.googleapis.com/spanId": trace.span_id,
            "logging.googleapis.com/trace_sampled": trace.sampled,
        }


def configure(project: str) -> None:
    """Send all logs of the process out as JSON; the vendors' clients only from warnings on."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(_JsonLines(project))
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    _LOGGER.setLevel(logging.INFO)
    # Google's clients keep their logs to themselves unless told otherwise.
    logging.getLogger("google").propagate = True


@contextmanager
def working_on(fields: Mapping[str, Any]) -> Iterator[None]:
    """Add the fields to every entry of this thread until the work is done."""
    token = _WORK.set({**_WORK.get(), **fields})
    try:
        yield
    finally:
        _WORK.reset(token)


def log(level: int, message: str, fields: Mapping[str, Any], *, error: BaseException | None = None) -> None:
    """Write one entry; ``fields`` are its own keys."""
    _LOGGER.log(level, message, extra={"fields": dict(fields)}, exc_info=error)


def report(event: Event) -> None:
    """Write the event as an entry, from which the operator's metrics and the audit record are made."""
    log(logging.INFO, event.name.replace("_", " "), fields_of(event))
