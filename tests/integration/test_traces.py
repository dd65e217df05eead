"""Spans as a reader of traces gets them, by the real exporter, over HTTP."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.adapters.otlp import OtlpTracer
from shared.adapters.traces import PassingTracer
from shared.bootstrap.traces import tracer
from shared.config import read
from shared.domain.errors import StaleMessage, Unavailable
from shared.domain.traces import Trace, current
from tests.fakes.otlp import Collector
from tests.unit.conftest import Logged, logged

__all__ = ["logged"]

ROOT = Path(__file__).parents[2]
PARENT = Trace("a" * 32, "b" * 16, sampled=False)
SECRET = "s3cr3t-of-a-receiver"


@pytest.fixture
def collector() -> Iterator[Collector]:
    with Collector() as collector:
        yield collector


@pytest.fixture
def otlp(collector: Collector, monkeypatch: pytest.MonkeyPatch) -> OtlpTracer:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.endpoint)
    found = tracer(
        read({"GOOGLE_CLOUD_PROJECT": "project", "OTEL_EXPORTER_OTLP_ENDPOINT": collector.endpoint}),
        "deliver",
    )
    assert isinstance(found, OtlpTracer)
    return found


def test_a_span_is_a_child_of_whom_the_message_names_and_is_exported_whoever_sampled(
    otlp: OtlpTracer, collector: Collector
) -> None:
    with otlp.span("deliver deliver", PARENT, {"job_id": "job", "chunk": 3}) as trace:
        assert current() == trace
    assert current() is None
    otlp.flush()
    [span] = collector.spans
    assert (span.trace_id, span.parent, span.span_id) == (PARENT.trace_id, PARENT.span_id, trace.span_id)
    assert (span.service, span.name, span.fields) == (
        "backfills-deliver",
        "deliver deliver",
        {"job_id": "job", "chunk": 3},
    )
    assert trace.sampled
    assert not span.failed


def test_a_span_without_a_parent_begins_a_trace(otlp: OtlpTracer, collector: Collector) -> None:
    for _ in range(2):
        with otlp.span("POST", None, {}):
            pass
    otlp.flush()
    first, second = collector.spans
    assert first.trace_id != second.trace_id
    assert first.parent == second.parent == ""


@pytest.mark.parametrize(
    ("error", "failed"),
    [(Unavailable(SECRET), True), (ValueError(SECRET), True), (StaleMessage(SECRET), False)],
)
def test_a_failure_is_told_by_its_kind_and_never_by_its_text(
    otlp: OtlpTracer,
    collector: Collector,
    error: Exception,
    failed: bool,  # noqa: FBT001 - pytest's
) -> None:
    with pytest.raises(type(error)), otlp.span("stage stage", None, {}):
        raise error
    otlp.flush()
    [span] = collector.spans
    assert (span.failed, span.events) == (failed, 0)
    assert all(SECRET.encode() not in body for body in collector.bodies)


@pytest.mark.parametrize("refuses", [True, False])
def test_a_reader_that_is_down_disturbs_nobody_and_its_password_is_not_logged(
    monkeypatch: pytest.MonkeyPatch,
    collector: Collector,
    free_tcp_port: int,
    logged: Logged,
    refuses: bool,  # noqa: FBT001 - pytest's
) -> None:
    collector.status = 401
    nobody = f"http://127.0.0.1:{free_tcp_port}"
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.endpoint if refuses else nobody)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", f"authorization=Bearer {SECRET}")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "1")
    found = OtlpTracer("backfills-deliver", "project")
    with found.span("POST", None, {}):
        pass
    found.flush()
    entries = logged()
    assert entries
    assert SECRET not in json.dumps(entries)


def test_without_a_reader_traces_are_passed_on_and_no_exporter_is_imported() -> None:
    found = tracer(read({"GOOGLE_CLOUD_PROJECT": "project"}), "deliver")
    assert isinstance(found, PassingTracer)
    with found.span("deliver deliver", PARENT, {}) as trace:
        assert (trace.trace_id, current()) == (PARENT.trace_id, trace)
        assert trace.span_id != PARENT.span_id
    with found.span("POST", None, {}) as begun:
        assert begun.trace_id != PARENT.trace_id
    program = (
        "import sys, shared.bootstrap.deliver, shared.bootstrap.api, shared.bootstrap.push;"
        "print([name for name in sys.modules if name.startswith('opentelemetry.exporter')])"
    )
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)  # noqa: S603 - our own
    assert done.stdout == "[]\n"
