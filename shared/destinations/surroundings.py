"""The dependencies of the parts of a kind of destination."""

from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from shared.config import Settings
from shared.steps.ports import Clock, StagedFiles

Secrets = Callable[[str, str], bytes]
"""Returns the value of an organization's secret by organization and name; KeyError if it does not exist."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """``secrets``: may return a value that is a moment old. ``secret_has_changed`` reads the current one, and
    returns whether another one was used since a time of ``monotonic``.
    ``identity_token`` returns a token of the service's identity for an audience, or raises Unavailable.
    ``staged_files`` returns a client of the staging bucket.
    ``monotonic`` and ``sleep`` use seconds, ``random`` returns 0 to 1, ``new_id`` a random UUID.
    """

    settings: Settings
    secrets: Secrets
    secret_has_changed: Callable[[str, str, float], bool]
    identity_token: Callable[[str], str]
    staged_files: Callable[[], StagedFiles]
    now: Clock
    monotonic: Callable[[], float]
    sleep: Callable[[float], None]
    random: Callable[[], float]
    new_id: Callable[[], UUID]

    @property
    def least(self) -> float:
        """The seconds of the handler's time that a delivery needs to begin. With less time left, the delivery
        goes into a separate message.
        """
        return self.settings.delivery_deadline / 2
