"""Clients of topics, kept from one delivery to the next while what they were built from is the same."""

import threading
from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from shared.destinations.credentials import secret_text
from shared.destinations.sns.clients import Clients
from shared.destinations.sns.errors import Asked
from shared.destinations.sns.identity import AUDIENCE, Keys, keys_of, taken_on
from shared.destinations.sns.topic import Topic
from shared.destinations.surroundings import Secrets
from shared.errors import DestinationRefused
from shared.steps.sending import ChunkDelivery

if TYPE_CHECKING:
    from mypy_boto3_sns import SNSClient

_MOST_KEPT = 8
_SPARE = timedelta(minutes=15)  # a role's keys outlast a delivery that begins with this much

Name = tuple[str, str | None, str, str | None]


@dataclass(frozen=True, slots=True)
class Access:
    """A client that may publish to topics; ``asked`` tells of whom, to whom."""

    client: "SNSClient"
    asked: Asked
    forget: Callable[[], None]


@dataclass(frozen=True, slots=True)
class _Kept:
    client: "SNSClient"
    text: str | None = field(repr=False)
    keys: Keys


class Accesses:
    """For many threads. ``own_role``: the role that the service takes on without a secret; empty: none.

    ``insecure``: the local switch, without which Amazon itself is the only address.
    """

    def __init__(
        self,
        clients: Clients,
        *,
        secrets: Secrets,
        identity_token: Callable[[str], str],
        own_role: str,
        now: Callable[[], datetime],
        insecure: bool,
    ) -> None:
        self._clients = clients
        self._secrets = secrets
        self._identity_token = identity_token
        self._own_role = own_role
        self._now = now
        self._insecure = insecure
        self._kept: OrderedDict[Name, _Kept] = OrderedDict()
        self._lock = threading.Lock()

    def of(self, delivery: ChunkDelivery, topic: Topic) -> Access:
        """Access for a delivery, by the secret as it is now; DestinationRefused if it is of no use."""
        options: Any = delivery.destination.options
        secret, endpoint_url = options.get("credentials"), options.get("endpoint_url")
        if endpoint_url is not None and not self._insecure:
            raise DestinationRefused("An endpoint_url is for the local stack only: create the job without it")
        text = None if secret is None else secret_text(self._secrets, delivery, secret)
        name = (delivery.organization_id, secret, topic.region, endpoint_url)
        kept = self._still_good(name, text)
        if kept is None:
            keys = self._keys(delivery.organization_id, topic.region, endpoint_url, secret, text)
            kept = _Kept(self._clients.sns(topic.region, endpoint_url, keys), text, keys)
            self._keep(name, kept)
        identity = _own_or(secret)
        asked = Asked(identity, "sns:Publish", f"topic {topic.arn}", lasting=kept.keys.expires is None)
        return Access(kept.client, asked, lambda: self._forget(name))

    def knows(self, topic: Topic) -> bool:
        """Whether the topic's region is one of Amazon's."""
        return self._clients.knows(topic.region)

    def _keys(
        self,
        organization_id: str,
        region: str,
        endpoint_url: str | None,
        secret: str | None,
        text: str | None,
    ) -> Keys:
        if secret is None or text is None:
            if not self._own_role:
                raise DestinationRefused(
                    "This service has no identity of its own at Amazon:"
                    " create the job anew with credentials, or ask the operator to set one up"
                )
            sts = self._clients.sts(region, endpoint_url, None)
            return taken_on(
                sts, self._own_role, organization_id, _own_or(None), self._identity_token(AUDIENCE)
            )
        keys, role = keys_of(text, secret)
        if role is None:
            return keys
        sts = self._clients.sts(region, endpoint_url, keys)
        return taken_on(sts, role, organization_id, _own_or(secret))

    def _still_good(self, name: Name, text: str | None) -> _Kept | None:
        with self._lock:
            kept = self._kept.get(name)
            if kept is None or kept.text != text:
                return None
            if kept.keys.expires is not None and kept.keys.expires - self._now() < _SPARE:
                return None
            self._kept.move_to_end(name)
            return kept

    def _keep(self, name: Name, kept: _Kept) -> None:
        # One that makes room may be publishing yet: it is closed once nobody has it.
        with self._lock:
            self._kept[name] = kept
            self._kept.move_to_end(name)
            while len(self._kept) > _MOST_KEPT:
                self._kept.popitem(last=False)

    def _forget(self, name: Name) -> None:
        with self._lock, suppress(KeyError):
            del self._kept[name]


def _own_or(secret: str | None) -> str:
    return "the service's own identity" if secret is None else f"the credentials in secret {secret}"
