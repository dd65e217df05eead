"""Organizations' secrets in Secret Manager."""

import math
import re
from collections.abc import Callable
from dataclasses import dataclass, field

from google.api_core.exceptions import FailedPrecondition, GoogleAPICallError, NotFound
from google.cloud.secretmanager import SecretManagerServiceClient

from shared.adapters.google_errors import reaching
from shared.domain.errors import Unavailable

_FRESH = 30.0  # seconds for which a value is cached


@dataclass(slots=True)
class _Value:
    """``used_at``: when it was last returned; ``earlier_used_at``: when the value before it was."""

    value: bytes = field(repr=False)
    read_at: float
    used_at: float
    earlier_used_at: float


class SecretManagerSecrets:
    """Reads the latest version of ``beam-{organization_id}-{name}``.

    Names have no hyphen. Otherwise organization `a` could choose a name that leads to a secret of
    organization `a-b`.
    """

    def __init__(
        self,
        client: SecretManagerServiceClient,
        project: str,
        *,
        timeout: float,
        monotonic: Callable[[], float],
    ) -> None:
        """``timeout`` is the time limit of one call in seconds."""
        self._client = client
        self._project = project
        self._timeout = timeout
        self._monotonic = monotonic
        self._values: dict[tuple[str, str], _Value] = {}

    def __call__(self, organization_id: str, name: str) -> bytes:
        """Return the secret's value; KeyError if it does not exist or its latest version is disabled."""
        known = self._values.get((organization_id, name))
        if known is None or self._monotonic() - known.read_at >= _FRESH:
            known = self._anew(organization_id, name)
        known.used_at = self._monotonic()
        return known.value

    def has_changed(self, organization_id: str, name: str, began: float) -> bool:
        """Read the secret past the cache, and return whether this process has used another value since
        ``began``.
        """
        known = self._values.get((organization_id, name))
        try:
            return self._anew(organization_id, name).earlier_used_at >= began
        except KeyError:
            return known is not None and known.used_at >= began

    def _anew(self, organization_id: str, name: str) -> _Value:
        # Otherwise a value would stay that is known to be old.
        before = self._values.pop((organization_id, name), None)
        value, now = self._read(organization_id, name), self._monotonic()
        if before is None:
            found = _Value(value, now, -math.inf, -math.inf)
        elif before.value == value:
            found = _Value(value, now, before.used_at, before.earlier_used_at)
        else:
            found = _Value(value, now, -math.inf, before.used_at)
        self._values[organization_id, name] = found
        return found

    def _read(self, organization_id: str, name: str) -> bytes:
        if not re.fullmatch(r"[A-Za-z0-9_]+", name):
            raise KeyError(name)
        secret = f"projects/{self._project}/secrets/beam-{organization_id}-{name}/versions/latest"
        try:
            with reaching("the secret store"):
                answer = self._client.access_secret_version(name=secret, timeout=self._timeout)
        except (NotFound, FailedPrecondition) as error:
            raise KeyError(name) from error
        except GoogleAPICallError as error:
            # Most often a permission is missing. The operator grants it, and then a retry succeeds.
            raise Unavailable("the secret store", detail=f"{type(error).__name__}: {error}") from error
        return bytes(answer.payload.data)
