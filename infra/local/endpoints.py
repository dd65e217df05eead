"""`.stack/endpoints.json`: says where everything is, to whoever tries or tests the stack."""

import json
import os
import secrets
from pathlib import Path
from typing import Any

from infra.local import environments, names
from infra.local.layout import Layout
from infra.local.options import FUNCTIONS, StackOptions


def describe(options: StackOptions, layout: Layout) -> dict[str, Any]:
    """Build the endpoints of a stack that starts, with new API keys and a new webhook secret."""
    return {
        "api_url": layout.url("api"),
        "api_key": secrets.token_urlsafe(24),
        "organization_id": names.ORGANIZATION,
        "second_api_key": secrets.token_urlsafe(24),
        "second_organization_id": names.SECOND_ORGANIZATION,
        "webhook_secret": {"name": names.WEBHOOK_SECRET, "value": secrets.token_urlsafe(32)},
        "kafka_bootstrap": layout.kafka_bootstrap,
        "firestore_host": layout.host("firestore"),
        "pubsub_host": layout.host("pubsub"),
        "gcs_url": layout.url("gcs"),
        "bucket": names.BUCKET,
        "project_id": names.PROJECT,
        "snowflake": environments.snowflake_connect(layout),
        "snowflake_url": layout.url("snowflake"),
        "snowflake_stage": names.SNOWFLAKE_STAGE,
        "exports": _exports(options),
        "logs": str(layout.logs),
        "functions": {
            name: {"url": layout.url(name), "pid": None} for name in FUNCTIONS if options.has(name)
        },
    }


def _exports(options: StackOptions) -> dict[str, str]:
    """What jobs may name as their destinations, of the kinds whose stand-ins the stack was asked for."""
    every = {
        "gcs": {"bucket": names.EXPORTS_BUCKET},
        "pubsub": {"topic": names.EXPORTS_TOPIC, "subscription": names.EXPORTS_SUBSCRIPTION},
    }
    return {
        name: value
        for kind, found in every.items()
        if kind in options.destinations
        for name, value in found.items()
    }


def write_secrets(layout: Layout, endpoints: dict[str, Any]) -> None:
    """Write the file that takes Secret Manager's place: organization, name, value."""
    secret = endpoints["webhook_secret"]
    replace(layout.secrets_file, {endpoints["organization_id"]: {secret["name"]: secret["value"]}})


def replace(path: Path, content: dict[str, Any]) -> None:
    """Write JSON at once or not at all, for its owner alone: a reader never meets half a file."""
    half = path.with_suffix(".new")
    half.unlink(missing_ok=True)
    with os.fdopen(os.open(half, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        json.dump(content, file, indent=2)
    half.replace(path)
