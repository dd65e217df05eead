"""What the checks ask: the installation's settings, and the parts behind them."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from google.api_core.exceptions import NotFound

from shared.config import Settings
from shared.operator.doctor.checks import NotAsked, NotOnLocalStack
from shared.operator.doctor.expectations import SECRET_VARIABLES
from shared.operator.doctor.google import SECONDS, Google
from shared.operator.doctor.installation import Installation
from shared.operator.doctor.once import once
from shared.operator.doctor.secrecy import Secrecy


@dataclass(frozen=True)  # no slots: the cached properties want a place
class World:
    """``installed`` None: a local stack, of which Terraform says nothing and Google's administration
    interfaces know nothing. ``kafka_administrator``: librdkafka's properties of who may ask the brokers for
    their settings; None: the service asks.
    """

    settings: Settings
    interfaces: Google
    secrecy: Secrecy
    now: Callable[[], datetime]
    installed: Installation | None = None
    kafka_administrator: Mapping[str, Any] | None = None
    table: str = "base.assets.erc20_token_transfers"

    @property
    def installation(self) -> Installation:
        if self.installed is None:
            raise NotOnLocalStack("Terraform sets it up, and only Google's own interfaces tell of it")
        return self.installed

    @property
    def google(self) -> Google:
        """Google's administration interfaces, where there is something to be told by them."""
        _ = self.installation
        return self.interfaces

    @once
    def kafka(self) -> Mapping[str, Any]:
        """Librdkafka's properties of the service."""
        return self.settings.kafka_client or self._stored("kafka")

    @once
    def snowflake(self) -> Mapping[str, Any]:
        """What the connector takes from the service."""
        return self.settings.snowflake_connect or self._stored("snowflake")

    @property
    def bucket(self) -> str:
        return self.settings.staging_bucket or self.installation.staging_bucket

    @property
    def snowflake_stage(self) -> str:
        return self.settings.snowflake_stage or self.installation.snowflake_stage

    def payload(self, secret: str, version: str) -> bytes:
        """A secret's value, kept out of all that is printed from then on."""
        name = f"projects/{self.installation.project}/secrets/{secret}/versions/{version}"
        value = bytes(self.google.secrets.access_secret_version(name=name, timeout=SECONDS).payload.data)
        self.secrecy.add(value.decode(errors="replace"))
        return value

    def _stored(self, name: str) -> Mapping[str, Any]:
        """The credentials that the functions are given."""
        if self.installed is None:
            raise NotAsked(f"{SECRET_VARIABLES[name]} is not set")
        try:
            text = self.payload(f"backfills-{name}", self.installed.secret_versions[name])
            found = json.loads(text)
        except NotFound as error:
            raise NotAsked(f"secrets.{name} tells: there are no credentials") from error
        except ValueError as error:
            raise NotAsked(f"secrets.{name} tells: the credentials are no JSON") from error
        if not isinstance(found, dict):
            raise NotAsked(f"secrets.{name} tells: the credentials are no JSON object")
        self.secrecy.add_all(found)
        return found
