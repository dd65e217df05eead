"""Traces: one tree of spans for each job, named as the W3C's Trace Context defines.

The tree's root is the request that created the job. Each message carries the span that published it. The
job keeps the root span for publishers that work outside of any span: the sweep, an operator, a later retry.
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Protocol

HEADER = "traceparent"

_FORMAT = re.compile(r"(?!ff)[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")
_SAMPLED = 1


@dataclass(frozen=True, slots=True)
class Trace:
    """A span: the trace's id as 32 hex digits, the span's own id as 16; ``sampled``: the span is exported."""

    trace_id: str
    span_id: str
    sampled: bool

    def __str__(self) -> str:
        return f"00-{self.trace_id}-{self.span_id}-{int(self.sampled):02x}"


class Tracer(Protocol):
    """Times pieces of work and exports their spans, if an exporter is configured."""

    def span(
        self, name: str, parent: Trace | None, fields: Mapping[str, str | int]
    ) -> AbstractContextManager[Trace]:
        """Start a span under ``parent``, or the root of a new trace. It is the current span until it ends."""
        ...


_CURRENT: ContextVar[Trace | None] = ContextVar("trace", default=None)


def parse(text: str | None) -> Trace | None:
    """Read a ``traceparent``. None if there is none, or if it is malformed."""
    found = _FORMAT.fullmatch(text or "")
    if found is None or not int(found[1], 16) or not int(found[2], 16):
        return None
    return Trace(found[1], found[2], bool(int(found[3], 16) & _SAMPLED))


def current() -> Trace | None:
    """The span that this thread works in."""
    return _CURRENT.get()


@contextmanager
def working_in(trace: Trace) -> Iterator[Trace]:
    """Make ``trace`` the current span."""
    token = _CURRENT.set(trace)
    try:
        yield trace
    finally:
        _CURRENT.reset(token)


def parent_of_message(job_trace: str | None) -> str | None:
    """Return the ``traceparent`` for a message that is published for a job.

    This is the current span if it belongs to the job's tree, and the tree's root otherwise.
    """
    root, here = parse(job_trace), current()
    if here is not None and (root is None or here.trace_id == root.trace_id):
        return str(here)
    return None if root is None else str(root)
