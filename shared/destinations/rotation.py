"""Secrets that their owner replaces while jobs use them: a refusal of an old value fails no job.

Secrets are cached for a moment. In this time a process still uses the old value, which the destination may
refuse already. Every kind of destination is wrapped in this rule.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from shared.destinations.kind import Presence
from shared.destinations.surroundings import Surroundings
from shared.domain.errors import DestinationRefused, RetryLater
from shared.steps.sending import ChunkDelivery, Pulse, Rows, Sink


def secret_names(options: Mapping[str, Any]) -> set[str]:
    """Return the names of the secrets in a destination's options."""
    format_ = options.get("format")
    registry = format_.get("registry") if isinstance(format_, Mapping) else None
    return {
        name
        for name in (
            options.get("credentials"),
            options.get("hash_key"),
            *options.get("secret_headers", {}).values(),
            registry.get("credentials") if isinstance(registry, Mapping) else None,
        )
        if name is not None
    }


def sink_of(build: Callable[[Surroundings], Sink]) -> Callable[[Surroundings], Sink]:
    """Return the builder of a sink under this rule."""
    return lambda around: RotatingSink(build(around), _rotation(around))


def presence_of(build: Callable[[Surroundings], Presence]) -> Callable[[Surroundings], Presence]:
    """Return the builder of a Presence under this rule."""
    return lambda around: RotatingPresence(build(around), _rotation(around))


def _rotation(around: Surroundings) -> "Rotation":
    return Rotation(around.secret_has_changed, around.monotonic)


@dataclass(frozen=True, slots=True)
class Rotation:
    """The rule. ``has_changed`` returns whether another value of a secret was used since a time."""

    has_changed: Callable[[str, str, float], bool]
    monotonic: Callable[[], float]

    @contextmanager
    def tolerated(self, delivery: ChunkDelivery) -> Iterator[None]:
        """Raise RetryLater instead of DestinationRefused if a secret has been replaced since the beginning.

        The next attempt uses the current value, which is in the cache then. If it is refused as well, the
        refusal stands.
        """
        began = self.monotonic()
        try:
            yield
        except DestinationRefused as refused:
            for name in secret_names(delivery.destination.options):
                if self.has_changed(delivery.organization_id, name, began):
                    raise RetryLater(
                        f"The secret {name} has been replaced, and the earlier value was refused: the next"
                        " attempt uses the new one",
                        detail=f"{refused.message} ({refused.detail})",
                    ) from refused
            raise


@dataclass(frozen=True, slots=True)
class RotatingSink:
    """Implements Sink."""

    sink: Sink
    rotation: Rotation

    def deliver(self, delivery: ChunkDelivery, rows: Rows, pulse: Pulse) -> bool:
        with self.rotation.tolerated(delivery):
            return self.sink.deliver(delivery, rows, pulse)


@dataclass(frozen=True, slots=True)
class RotatingPresence:
    """Implements Presence."""

    presence: Presence
    rotation: Rotation

    def require(self, delivery: ChunkDelivery, until: float) -> None:
        with self.rotation.tolerated(delivery):
            self.presence.require(delivery, until)
