"""Secret Manager, and the real store with its cache on it."""

from typing import cast

from google.api_core.exceptions import NotFound
from google.cloud.secretmanager import (
    AccessSecretVersionResponse,
    SecretManagerServiceClient,
    SecretPayload,
)

from shared.adapters.secrets import SecretManagerSecrets
from shared.destinations.rotation import RotatingSink, Rotation
from shared.steps.sending import Sink

Values = dict[str, dict[str, str]]


class FakeSecretManager:
    """The only call of Secret Manager."""

    def __init__(self) -> None:
        self.values: dict[str, bytes] = {}
        self.error: Exception | None = None
        self.calls: list[str] = []

    def access_secret_version(self, *, name: str, **_: object) -> AccessSecretVersionResponse:
        self.calls.append(name)
        if self.error is not None:
            raise self.error
        if name not in self.values:
            raise NotFound(name)  # type: ignore[no-untyped-call] # the client's errors have no types
        return AccessSecretVersionResponse(payload=SecretPayload(data=self.values[name]))


class ManagerStore(SecretManagerSecrets):
    def __init__(self) -> None:
        self.manager = FakeSecretManager()
        self.seconds = 0.0
        client = cast("SecretManagerServiceClient", self.manager)
        super().__init__(client, "project", timeout=5.0, monotonic=self.monotonic)

    def monotonic(self) -> float:
        # No two events are at the same time.
        self.seconds += 0.001
        return self.seconds

    def set(self, values: Values) -> None:
        self.seconds += 30.0
        self.manager.values = {
            _path(organization, name): value.encode()
            for organization, named in values.items()
            for name, value in named.items()
        }

    def replace(self, organization_id: str, name: str, value: str) -> None:
        """Store another value while the cache still has the first one."""
        self.manager.values[_path(organization_id, name)] = value.encode()


def _path(organization_id: str, name: str) -> str:
    return f"projects/project/secrets/beam-{organization_id}-{name}/versions/latest"


def rotated(old: str, new: str, name: str) -> ManagerStore:
    """A store whose cache has the old value of a secret that has just been replaced."""
    store = ManagerStore()
    store.set({"org123": {name: old}})
    store("org123", name)
    store.replace("org123", name, new)
    return store


def rotating(sink: Sink, store: ManagerStore) -> Sink:
    """The sink as the bootstrap wires it."""
    return RotatingSink(sink, Rotation(store.has_changed, store.monotonic))
