"""A tracer without an exporter. It passes trace ids on, so that logs still share them."""

import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from shared.domain.traces import Trace, working_in


class PassingTracer:
    """Implements the port Tracer."""

    @contextmanager
    def span(self, name: str, parent: Trace | None, fields: Mapping[str, str | int]) -> Iterator[Trace]:
        del name, fields
        trace_id = parent.trace_id if parent else secrets.token_hex(16)
        # Not sampled, because nothing exports this span.
        with working_in(Trace(trace_id, secrets.token_hex(8), sampled=False)) as trace:
            yield trace
