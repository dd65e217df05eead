"""Traces: one tree of spans for each job, named in the form of the W3C's Trace Context.

The tree's root is the request that created the job. Each message carries the span it was published in;
the job keeps the root's, for whoever publishes outside of any: the sweep, an operator, a later retry.
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
    """A span's place: its trace's id in 32 digits of hex, its own in 16; ``sampled``: it is exported."""

    trace_id: str
    span_id: str
    sampled: bool

    def __str__(self) -> str:
        return f"00-{self.trace_id}-{self.span_id}-{int(self.sampled):02x}"


class Tracer(Protocol):
    """Times pieces of work, and tells a trace's reader of them if there is one."""

    def span(
        self, name: str, parent: Trace | None, fields: Mapping[str, str | int]
    ) -> AbstractContextManager[Trace]:
        """A piece of work under ``parent``, or the root of a new trace; meanwhile it is the current one."""
        ...


_CURRENT: ContextVar[Trace | None] = ContextVar("trace", default=None)


def parse(text: str | None) -> Trace | None:
    """Read a ``traceparent``; None if there is none, or if it is not well formed."""
    found = _FORMAT.fullmatch(text or "")
    if found is None or not int(found[1], 16) or not int(found[2], 16):
        return None
    return Trace(found[1], found[2], bool(int(found[3], 16) & _SAMPLED))


def current() -> Trace | None:
    """The span that this thread works in."""
    return _CURRENT.get()


@contextmanager
def working_in(trace: Trace) -> Iterator[Trace]:
    """Make it the current span."""
    token = _CURRENT.set(trace)
    try:
        yield trace
    finally:
        _CURRENT.reset(token)


def parent_of_message(job_trace: str | None) -> str | None:
    """The ``traceparent`` of a message that is published for a job: the current span, if it is of the
    job's tree, else the tree's root.
    """
    root, here = parse(job_trace), current()
    if here is not None and (root is None or here.trace_id == root.trace_id):
        return str(here)
    return None if root is None else str(root)
