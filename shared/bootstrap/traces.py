"""Choose the tracer: OpenTelemetry's where traces go somewhere, else one that only passes them on."""

from shared.adapters.traces import PassingTracer
from shared.config import Settings
from shared.domain.traces import Tracer


def tracer(settings: Settings, function: str) -> Tracer:
    """``function`` is the service's name in the traces. For the process that serves, after the fork."""
    if not settings.otlp_endpoint:
        return PassingTracer()
    # Its exporter and all it needs are loaded only where somebody looks at traces.
    from shared.adapters.otlp import OtlpTracer  # noqa: PLC0415

    return OtlpTracer(f"backfills-{function}", settings.project)
