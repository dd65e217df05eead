"""Export traces with OpenTelemetry's protocol over HTTP. Its own variables set the endpoint and the headers.

A background thread exports spans in batches, and the rest when the process ends. The service traces every
job, unless `OTEL_TRACES_SAMPLER` sets another sampler. It does not follow the sampling of Google's front end,
which samples only a few requests a minute.
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_ON
from opentelemetry.trace import (
    NonRecordingSpan,
    SpanContext,
    SpanKind,
    StatusCode,
    TraceFlags,
    set_span_in_context,
)

from shared.domain.errors import BackfillError, Disposition
from shared.domain.traces import Trace, working_in


class OtlpTracer:
    """Implements the port Tracer."""

    def __init__(self, service: str, project: str, exporter: SpanExporter | None = None) -> None:
        sampler = None if os.environ.get("OTEL_TRACES_SAMPLER") else ALWAYS_ON
        resource = Resource.create({"service.name": service, "gcp.project_id": project})
        self._provider = TracerProvider(resource=resource, sampler=sampler)
        self._provider.add_span_processor(BatchSpanProcessor(exporter or OTLPSpanExporter()))
        self._tracer = self._provider.get_tracer("backfills")

    @contextmanager
    def span(self, name: str, parent: Trace | None, fields: Mapping[str, str | int]) -> Iterator[Trace]:
        # Never record the error itself: its text may quote a receiver or Snowflake.
        with self._tracer.start_as_current_span(
            name,
            context=_context(parent),
            kind=SpanKind.SERVER,
            attributes=fields,
            record_exception=False,
            set_status_on_exception=False,
        ) as span:
            here = span.get_span_context()
            trace = Trace(f"{here.trace_id:032x}", f"{here.span_id:016x}", here.trace_flags.sampled)
            try:
                with working_in(trace):
                    yield trace
            except Exception as error:
                if not isinstance(error, BackfillError) or error.disposition is not Disposition.SKIP:
                    span.set_status(StatusCode.ERROR, type(error).__name__)
                raise

    def flush(self) -> None:
        """Export all spans that have ended."""
        self._provider.force_flush()


def _context(parent: Trace | None) -> Context:
    if parent is None:
        return Context()
    flags = TraceFlags(TraceFlags.SAMPLED if parent.sampled else TraceFlags.DEFAULT)
    remote = SpanContext(int(parent.trace_id, 16), int(parent.span_id, 16), is_remote=True, trace_flags=flags)
    return set_span_in_context(NonRecordingSpan(remote), Context())
