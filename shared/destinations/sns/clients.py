"""Clients of Amazon SNS by an organization's credentials, kept while those are the same."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import boto3
from botocore.config import Config

from shared.destinations.credentials import secret_fields, secret_text
from shared.destinations.sns.errors import speaking_of
from shared.destinations.surroundings import Secrets
from shared.steps.ports import Clock
from shared.steps.sending import ChunkDelivery

_KEYS = ("access_key_id", "secret_access_key")
_OPTIONAL = ("session_token", "role_arn")
_SECONDS = 30.0
_ROLE = timedelta(minutes=50)  # of the hour for which a role is assumed


@dataclass(frozen=True, slots=True)
class _Kept:
    secret: str
    client: Any
    until: datetime | None


class Clients:
    """``connections``: requests that one client may have under way."""

    def __init__(self, secrets: Secrets, now: Clock, *, connections: int) -> None:
        self._secrets = secrets
        self._now = now
        self._config = Config(
            # Between tries the delivery is asked whether it is to go on.
            retries={"total_max_attempts": 1},
            connect_timeout=_SECONDS,
            read_timeout=_SECONDS,
            max_pool_connections=connections,
        )
        self._kept: dict[tuple[str, ...], _Kept] = {}
        self._lock = threading.Lock()

    def client(self, delivery: ChunkDelivery) -> Any:
        """A client of the destination's region, by its credentials as they are now.

        DestinationRefused, with the secret's name, if there are none, or none that can be.
        """
        options = delivery.destination.options
        secret = secret_text(self._secrets, delivery, options["credentials"])
        region, endpoint = options["topic_arn"].split(":")[3], options.get("endpoint_url") or ""
        place = (delivery.organization_id, options["credentials"], region, endpoint)
        with self._lock:
            kept = self._kept.get(place)
            if kept is None or kept.secret != secret or (kept.until and kept.until <= self._now()):
                fields = secret_fields(secret, options["credentials"], [_KEYS], _OPTIONAL)
                with speaking_of(delivery.destination):
                    kept = self._made(fields, secret, options, f"backfills-{delivery.job_id}")
                self._kept[place] = kept
        return kept.client

    def _made(self, fields: Mapping[str, str], secret: str, options: Mapping[str, Any], name: str) -> _Kept:
        """``name`` tells whose the session of an assumed role is, in the account's own records."""
        session = boto3.session.Session(
            region_name=options["topic_arn"].split(":")[3],
            aws_access_key_id=fields["access_key_id"],
            aws_secret_access_key=fields["secret_access_key"],
            aws_session_token=fields.get("session_token"),
        )
        until, endpoint = None, options.get("endpoint_url")
        if role := fields.get("role_arn"):
            until = self._now() + _ROLE
            sts = session.client("sts", endpoint_url=endpoint, config=self._config)
            found = sts.assume_role(RoleArn=role, RoleSessionName=name)["Credentials"]
            session = boto3.session.Session(
                region_name=session.region_name,
                aws_access_key_id=found["AccessKeyId"],
                aws_secret_access_key=found["SecretAccessKey"],
                aws_session_token=found["SessionToken"],
            )
        return _Kept(secret, session.client("sns", endpoint_url=endpoint, config=self._config), until)
