"""A real receiver of traces over OTLP/HTTP, on loopback."""

import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


@dataclass(frozen=True)
class SpanReceived:
    """``parent`` is empty for a root; ``failed``: its status is an error."""

    service: str
    name: str
    trace_id: str
    span_id: str
    parent: str
    fields: dict[str, Any]
    failed: bool
    events: int


@dataclass
class Collector:
    """``spans`` are all received spans; ``bodies`` and ``headers`` are the raw requests."""

    bodies: list[bytes] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    status: int = 200

    def __post_init__(self) -> None:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    @property
    def endpoint(self) -> str:
        """Return the value for OTEL_EXPORTER_OTLP_ENDPOINT."""
        return f"http://127.0.0.1:{self._server.server_port}"

    @property
    def spans(self) -> list[SpanReceived]:
        return [span for body in list(self.bodies) for span in _read(body)]

    def of_trace(self, trace_id: str) -> list[SpanReceived]:
        return [span for span in self.spans if span.trace_id == trace_id]

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                collector.headers.append(dict(self.headers.items()))
                collector.bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
                self.send_response(collector.status if self.path == "/v1/traces" else 404)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Keep the tests' output quiet."""

        return Handler


def _read(body: bytes) -> list[SpanReceived]:
    found = []
    for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
        named = {entry.key: entry.value.string_value for entry in resource.resource.attributes}
        for scope in resource.scope_spans:
            for span in scope.spans:
                values = [(entry.key, entry.value) for entry in span.attributes]
                fields = {key: getattr(value, value.WhichOneof("value") or "") for key, value in values}
                found.append(
                    SpanReceived(
                        service=named["service.name"],
                        name=span.name,
                        trace_id=span.trace_id.hex(),
                        span_id=span.span_id.hex(),
                        parent=span.parent_span_id.hex(),
                        fields=fields,
                        failed=span.status.code == span.status.STATUS_CODE_ERROR,
                        events=len(span.events),
                    )
                )
    return found
