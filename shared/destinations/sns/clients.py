"""Clients of Amazon SNS with an organization's credentials or the service's own role, reused while valid."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import boto3
from botocore import UNSIGNED
from botocore.config import Config

from shared.destinations.credentials import secret_text
from shared.destinations.sns.errors import speaking_of
from shared.destinations.sns.identity import AUDIENCE, LASTS, Keys, assumed, keys_of
from shared.destinations.surroundings import Secrets
from shared.domain.errors import DestinationRefused
from shared.steps.ports import Clock
from shared.steps.sending import ChunkDelivery

_SECONDS = 30.0
_SPARE = timedelta(minutes=15)  # the validity that a role's keys need to outlast any delivery
_MOST_KEPT = 8


@dataclass(frozen=True, slots=True)
class _Kept:
    secret: str | None = field(repr=False)
    client: Any
    until: datetime | None


class Clients:
    """``identity_token`` returns a token of the service's identity for an audience. ``own_role``: the role
    that the service assumes with it; empty: none. ``connections``: the most requests in flight per client.
    """

    def __init__(
        self,
        secrets: Secrets,
        identity_token: Callable[[str], str],
        *,
        own_role: str,
        now: Clock,
        connections: int,
    ) -> None:
        self._secrets = secrets
        self._identity_token = identity_token
        self._own_role = own_role
        self._now = now
        self._config = Config(
            # No retries here: between its own attempts, the delivery checks whether to continue.
            retries={"total_max_attempts": 1},
            connect_timeout=_SECONDS,
            read_timeout=_SECONDS,
            max_pool_connections=connections,
        )
        self._kept: dict[tuple[str, ...], _Kept] = {}
        self._lock = threading.Lock()

    def client(self, delivery: ChunkDelivery) -> Any:
        """Return a client for the destination's region with its current credentials.

        Raises DestinationRefused, with the secret's name, if they are missing or invalid.
        """
        options = delivery.destination.options
        name = options.get("credentials")
        secret = None if name is None else secret_text(self._secrets, delivery, name)
        # Without a secret the name is empty. No secret has an empty name.
        place = (delivery.organization_id, name or "", _region(delivery), options.get("endpoint_url") or "")
        with self._lock:
            kept = self._kept.pop(place, None)
            if kept is None or kept.secret != secret or (kept.until and kept.until <= self._now()):
                kept = self._made(delivery, secret)
            # The last entry is the most recently used one.
            self._kept[place] = kept
            if len(self._kept) > _MOST_KEPT:
                del self._kept[next(iter(self._kept))]
        return kept.client

    def _made(self, delivery: ChunkDelivery, secret: str | None) -> _Kept:
        began = self._now()
        keys, role, token = self._identity(delivery, secret)
        until = None
        if role is not None:
            sts = self._client("sts", delivery, keys)
            keys = assumed(sts, role, delivery.organization_id, delivery.destination, token)
            until = began + LASTS - _SPARE
        return _Kept(secret, self._client("sns", delivery, keys), until)

    def _identity(
        self, delivery: ChunkDelivery, secret: str | None
    ) -> tuple[Keys | None, str | None, str | None]:
        """Return the initial keys, the role to assume, and the token for it if there are no keys."""
        if secret is not None:
            keys, role = keys_of(secret, delivery.destination.options["credentials"])
            return keys, role, None
        if not self._own_role:
            raise DestinationRefused(
                "The service has no identity of its own at Amazon any more, and"
                f" {delivery.destination} has no credentials: create a new job with credentials"
            )
        return None, self._own_role, self._identity_token(AUDIENCE)

    def _client(self, service: Any, delivery: ChunkDelivery, keys: Keys | None) -> Any:
        with speaking_of(delivery.destination):
            session = boto3.session.Session(
                region_name=_region(delivery),
                aws_access_key_id=keys.access_key_id if keys else None,
                aws_secret_access_key=keys.secret_access_key if keys else None,
                aws_session_token=keys.session_token if keys else None,
            )
            config = self._config if keys else self._config.merge(Config(signature_version=UNSIGNED))
            return session.client(
                service, endpoint_url=delivery.destination.options.get("endpoint_url"), config=config
            )


def _region(delivery: ChunkDelivery) -> str:
    return str(delivery.destination.options["topic_arn"].split(":")[3])
