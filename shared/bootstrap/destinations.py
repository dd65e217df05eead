"""Wire the kinds of destination."""

import random
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from shared.bootstrap.clients import monotonic, new_id, now, sleep
from shared.bootstrap.identity import identity_token
from shared.config import Settings
from shared.destinations.surroundings import Surroundings
from shared.steps.ports import StagedFiles

if TYPE_CHECKING:
    from shared.adapters.secrets import SecretManagerSecrets
    from shared.adapters.secrets_file import FileSecrets

_SECRET_SECONDS = 10.0

Part = TypeVar("Part")


def surroundings(settings: Settings) -> Surroundings:
    secrets = _LazySecrets(settings)
    return Surroundings(
        settings=settings,
        secrets=secrets,
        secret_has_changed=secrets.has_changed,
        identity_token=identity_token,
        staged_files=lambda: _staged_files(settings),
        now=now,
        monotonic=monotonic,
        sleep=sleep,
        random=random.random,
        new_id=new_id,
    )


def _staged_files(settings: Settings) -> StagedFiles:
    from shared.bootstrap.staged_files import staged_files

    return staged_files(settings)


class Parts(Mapping[str, Part]):
    """The parts of the kinds by kind. Each is built at its first use, because importing its client is
    slow.
    """

    def __init__(self, builders: Mapping[str, Callable[[Surroundings], Part]], around: Surroundings) -> None:
        self._builders = builders
        self._surroundings = around
        self._built: dict[str, Part] = {}
        self._lock = threading.Lock()

    def __getitem__(self, kind: str) -> Part:
        with self._lock:
            if kind not in self._built:
                self._built[kind] = self._builders[kind](self._surroundings)
            return self._built[kind]

    def __iter__(self) -> Iterator[str]:
        return iter(self._builders)

    def __len__(self) -> int:
        return len(self._builders)


class _LazySecrets:
    """The secrets' reader, which is built at the first read."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._built: SecretManagerSecrets | FileSecrets | None = None

    def __call__(self, organization_id: str, name: str) -> bytes:
        return self._source()(organization_id, name)

    def has_changed(self, organization_id: str, name: str, began: float) -> bool:
        return self._source().has_changed(organization_id, name, began)

    def _source(self) -> "SecretManagerSecrets | FileSecrets":
        if self._built is None:
            self._built = _source(self._settings)
        return self._built


def _source(settings: Settings) -> "SecretManagerSecrets | FileSecrets":
    if settings.secrets_file:
        from shared.adapters.secrets_file import FileSecrets

        return FileSecrets(Path(settings.secrets_file))
    from google.cloud.secretmanager import SecretManagerServiceClient

    from shared.adapters.secrets import SecretManagerSecrets

    return SecretManagerSecrets(
        SecretManagerServiceClient(), settings.project, timeout=_SECRET_SECONDS, monotonic=monotonic
    )
