"""What the checks read: the installation's settings, and the systems behind them."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from google.api_core.exceptions import NotFound

from shared.config import Settings, is_login
from shared.operator.doctor.checks import NotAsked, NotOnLocalStack
from shared.operator.doctor.expectations import REGISTRY, SECRET_VARIABLES
from shared.operator.doctor.google import SECONDS, Google
from shared.operator.doctor.installation import Installation
from shared.operator.doctor.once import once
from shared.operator.doctor.secrecy import Secrecy


@dataclass(frozen=True)  # no slots: the cached properties want a place
class World:
    """``installed`` None: a local stack, which Terraform's output and Google's administration APIs do not
    describe. ``kafka_administrator``: librdkafka's properties of a user who may describe the brokers'
    settings; None: the service's own user.
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
            raise NotOnLocalStack("Terraform sets it up, and only Google's own APIs describe it")
        return self.installed

    @property
    def google(self) -> Google:
        """Return Google's administration APIs. Raises NotOnLocalStack where they describe nothing."""
        _ = self.installation
        return self.interfaces

    @once
    def kafka(self) -> Mapping[str, Any]:
        """Return the service's librdkafka properties."""
        return self.settings.kafka_client or self._stored("kafka")

    @once
    def snowflake(self) -> Mapping[str, Any]:
        """Return the service's arguments of the Snowflake connector."""
        return self.settings.snowflake_connect or self._stored("snowflake")

    @property
    def schema_registry(self) -> str:
        """Return the URL of the operator's registry, or an empty text."""
        installed = "" if self.installed is None else self.installed.schema_registry
        return self.settings.schema_registry_url or installed

    @once
    def schema_registry_login(self) -> Mapping[str, str]:
        """Return the service's credentials at the operator's registry; empty if there are none."""
        given = self.settings.schema_registry_credentials
        if given or self.installed is None or REGISTRY not in self.installed.secret_versions:
            return given
        found = self._stored(REGISTRY)
        if not is_login(found):
            raise NotAsked("secrets.registry explains why: the credentials are not complete")
        return found

    @property
    def bucket(self) -> str:
        return self.settings.staging_bucket or self.installation.staging_bucket

    @property
    def snowflake_stage(self) -> str:
        return self.settings.snowflake_stage or self.installation.snowflake_stage

    def payload(self, secret: str, version: str) -> bytes:
        """Return a secret's value, and remove it from all later output."""
        name = f"projects/{self.installation.project}/secrets/{secret}/versions/{version}"
        value = bytes(self.google.secrets.access_secret_version(name=name, timeout=SECONDS).payload.data)
        self.secrecy.add(value.decode(errors="replace"))
        return value

    def _stored(self, name: str) -> Mapping[str, Any]:
        """Return the credentials that the functions get."""
        if self.installed is None:
            raise NotAsked(f"{SECRET_VARIABLES[name]} is not set")
        try:
            text = self.payload(f"backfills-{name}", self.installed.secret_versions[name])
            found = json.loads(text)
        except NotFound as error:
            raise NotAsked(f"secrets.{name} explains why: there are no credentials") from error
        except ValueError as error:
            raise NotAsked(f"secrets.{name} explains why: the credentials are not JSON") from error
        if not isinstance(found, dict):
            raise NotAsked(f"secrets.{name} explains why: the credentials are not a JSON object")
        self.secrecy.add_all(found)
        return found
