"""The environment variables of the stack's processes."""

import json
import os
from typing import Any

from infra.local import names
from infra.local.layout import Layout
from infra.local.options import ROOT, StackOptions
from infra.local.ports import LOOPBACK

# Variables of a developer's shell that would connect a local process to the real cloud.
_FOREIGN = ("GOOGLE_APPLICATION_CREDENTIALS", "GCLOUD_PROJECT", "PYTHONHOME")


def base() -> dict[str, str]:
    """Return the caller's environment without the variables that would lead out of the stack."""
    inherited = {name: value for name, value in os.environ.items() if name not in _FOREIGN}
    direct = f"{LOOPBACK},localhost"
    # Otherwise Snowflake's connector would ask the network which cloud this is.
    return inherited | {"NO_PROXY": direct, "no_proxy": direct, "AWS_EC2_METADATA_DISABLED": "true"}


def python() -> dict[str, str]:
    """Return the environment of processes that run the repository's own modules."""
    return base() | {"PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}


def snowflake_connect(layout: Layout) -> dict[str, Any]:
    """Return the arguments of the connector's ``connect()`` for the local Snowflake."""
    return {
        "account": "local",
        "user": "backfills",
        "password": "local-password",
        "role": "BACKFILLS_ROLE",
        "warehouse": "BACKFILLS_WAREHOUSE",
        "protocol": "http",
        "host": LOOPBACK,
        "port": layout.ports["snowflake"],
        "database": "BASE",
        "schema": "ASSETS",
    }


def emulators(layout: Layout) -> dict[str, str]:
    """Return the variables from which Google's clients find the emulators."""
    return {
        "GOOGLE_CLOUD_PROJECT": names.PROJECT,
        "FIRESTORE_EMULATOR_HOST": layout.host("firestore"),
        "PUBSUB_EMULATOR_HOST": layout.host("pubsub"),
        "STORAGE_EMULATOR_HOST": layout.url("gcs"),
    }


def function(name: str, options: StackOptions, layout: Layout) -> dict[str, str]:
    """Return all variables that configure a function."""
    return {
        **python(),
        **emulators(layout),
        "STAGE_TOPIC": names.STAGE_TOPIC,
        "CHUNKS_TOPIC": names.CHUNKS_TOPIC,
        "STATIC_CHUNKS_TOPIC": names.STATIC_CHUNKS_TOPIC,
        "STAGE_URL": layout.url("stage"),
        "STAGING_BUCKET": names.BUCKET,
        "SNOWFLAKE_CONNECT": json.dumps(snowflake_connect(layout)),
        "SNOWFLAKE_STAGE": names.SNOWFLAKE_STAGE,
        "UNLOAD_FILE_BYTES": str(options.unload_file_bytes),
        "KAFKA_CLIENT": json.dumps({"bootstrap.servers": layout.kafka_bootstrap}),
        "KAFKA_TOPIC_PARTITIONS": str(options.topic_partitions),
        "KAFKA_TOPIC_REPLICATION": "1",
        "SECRETS_FILE": str(layout.secrets_file),
        "DELIVERIES_AT_ONCE": str(options.concurrency["deliver"]),
        "ALLOW_INSECURE_DESTINATIONS": "true",
        # Shorter than in production, for a person who waits.
        "UNLOAD_WAIT": "3",
        "NUDGE_PAUSE": "5",
        "TEAR_DOWN_PAUSE": "5",
        "CLAIM_LIMIT": "15",
        "STALL_LIMIT": "60",
        # Otherwise gunicorn's control socket would be one file in the home folder, shared by all functions.
        "XDG_RUNTIME_DIR": str(_socket_folder(name, layout)),
        **options.environment,
        **options.function_environment.get(name, {}),
    }


def _socket_folder(name: str, layout: Layout) -> str:
    folder = layout.sockets / name
    folder.mkdir(parents=True, exist_ok=True)
    return str(folder)
