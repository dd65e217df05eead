"""Structured logs: one JSON object a line on standard output, as Cloud Logging reads them."""

import json
import logging
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

_LOGGER = logging.getLogger("backfills")


class _JsonLines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        time = datetime.fromtimestamp(record.created, UTC).isoformat()
        entry = {"time": time, "severity": record.levelname, "message": record.getMessage()}
        entry["logger"] = record.name
        entry |= getattr(record, "fields", {})
        if record.exc_info:
            entry["stack_trace"] = self.formatException(record.exc_info)
        return json.dumps(entry, default=str)


def configure() -> None:
    """Send all logs of the process out as JSON; the vendors' clients only from warnings on."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(_JsonLines())
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    _LOGGER.setLevel(logging.INFO)
    # Google's clients keep their logs to themselves unless told otherwise.
    logging.getLogger("google").propagate = True


def log(level: int, message: str, fields: Mapping[str, Any], *, error: BaseException | None = None) -> None:
    """Write one entry; ``fields`` are its own keys, so that one query tells a job's story."""
    _LOGGER.log(level, message, extra={"fields": dict(fields)}, exc_info=error)
