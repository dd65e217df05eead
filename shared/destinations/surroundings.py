"""What the parts of a kind of destination are built from."""

from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from shared.config import Settings
from shared.steps.ports import Clock

Secrets = Callable[[str, str], bytes]
"""The value of an organization's secret, by organization and name; KeyError if there is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """``identity_token`` answers a token that tells the service's identity to an audience; Unavailable if
    there is none. ``monotonic`` and ``sleep`` in seconds, ``random`` from 0 to 1, ``new_id`` a random UUID.
    """

    settings: Settings
    secrets: Secrets
    identity_token: Callable[[str], str]
    now: Clock
    monotonic: Callable[[], float]
    sleep: Callable[[float], None]
    random: Callable[[], float]
    new_id: Callable[[], UUID]

    @property
    def least(self) -> float:
        """Seconds of the handler's time with less of which no delivery to a destination begins: its turn
        comes in a message of its own.
        """
        return self.settings.delivery_deadline / 2
