"""`.stack/endpoints.json`: the addresses and keys of a stack, for its users and tests."""

import json
import os
import secrets
from pathlib import Path
from typing import Any

from infra.local import environments, names, secure_kafka
from infra.local.layout import Layout
from infra.local.options import FUNCTIONS, StackOptions


def describe(options: StackOptions, layout: Layout) -> dict[str, Any]:
    """Return the endpoints of a starting stack, with new API keys and a new webhook secret."""
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
        "exports_bucket": names.EXPORTS,
        "exports_topic": f"projects/{names.PROJECT}/topics/{names.EXPORTS}",
        "nats_url": f"nats://{layout.host('nats')}",
        "nats_subject": f"{names.EXPORTS}.rows",
        "aws": {
            "url": layout.url("sns"),
            "topic_arn": f"arn:aws:sns:{names.AWS_REGION}:{names.AWS_ACCOUNT}:{names.EXPORTS}",
            "queue_url": f"{layout.url('sns')}/{names.AWS_ACCOUNT}/{names.EXPORTS}",
            "credentials": names.AWS_SECRET,
        },
        "external_kafka": {
            "bootstrap_servers": f"{secure_kafka.HOST}:{layout.secured_kafka.port}",
            "topic": names.EXPORTS,
            "credentials": names.KAFKA_SECRET,
        },
        "project_id": names.PROJECT,
        "snowflake": environments.snowflake_connect(layout),
        "snowflake_url": layout.url("snowflake"),
        "snowflake_stage": names.SNOWFLAKE_STAGE,
        "logs": str(layout.logs),
        "functions": {
            name: {"url": layout.url(name), "pid": None} for name in FUNCTIONS if options.has(name)
        },
    }


def write_secrets(options: StackOptions, layout: Layout, endpoints: dict[str, Any]) -> None:
    """Write the file that replaces Secret Manager: organization, name, value."""
    secret = endpoints["webhook_secret"]
    keys = {"access_key_id": "AKIALOCAL", "secret_access_key": secrets.token_urlsafe(32)}
    values = {secret["name"]: secret["value"], names.AWS_SECRET: json.dumps(keys)}
    if "external_kafka" in options.destinations:
        secure_kafka.prepare(layout.secured_kafka.folder)
        login = layout.secured_kafka.login
        values[names.KAFKA_SECRET] = json.dumps(login)
    replace(layout.secrets_file, {endpoints["organization_id"]: values})


def replace(path: Path, content: dict[str, Any]) -> None:
    """Write JSON atomically, readable only by its owner. A reader never sees a partial file."""
    half = path.with_suffix(".new")
    half.unlink(missing_ok=True)
    with os.fdopen(os.open(half, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        json.dump(content, file, indent=2)
    half.replace(path)
