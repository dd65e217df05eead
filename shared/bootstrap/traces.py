"""Choose the tracer: OpenTelemetry's if traces have an endpoint, otherwise one that only passes them on."""

from shared.adapters.traces import PassingTracer
from shared.config import Settings
from shared.domain.traces import Tracer


def tracer(settings: Settings, function: str) -> Tracer:
    """Return the tracer; ``function`` is the service's name in traces. Call it after the fork."""
    if not settings.otlp_endpoint:
        return PassingTracer()
    # Load the exporter and its dependencies only if traces are exported.
    from shared.adapters.otlp import OtlpTracer  # noqa: PLC0415

    return OtlpTracer(f"backfills-{function}", settings.project)
