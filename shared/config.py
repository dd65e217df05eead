"""The service's configuration: one typed object, read from the environment once.

Every variable is defined here with its default and purpose; `docs/configuration.md` is generated from it.
"""

import dataclasses
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from shared.domain.catalog import Catalog, load_catalog


class ConfigurationError(Exception):
    """The environment lacks variables, or values are invalid. The message names all of them at once."""


# Cloud Run sets it for every function.
_CLOUD = "K_SERVICE"


def _variable(
    name: str,
    purpose: str,
    default: str | None,
    parse: Callable[[str], Any] = str,
    *,
    only: Literal["local stack", "Cloud Run"] | None = None,
) -> Any:
    """Declare a field that is read from the variable ``name``; without a default it is required.

    With ``only``, the variable may be set only in that place.
    """
    metadata = {"name": name, "default": default, "parse": parse, "only": only}
    return dataclasses.field(metadata=metadata | {"purpose": f"{only} only: {purpose}" if only else purpose})


def _switch(text: str) -> bool:
    return {"true": True, "false": False}[text.lower()]


def _count(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError("not above 0")
    return number


def _count_or_none(text: str) -> int | None:
    return _count(text) if text else None


def _role(text: str) -> str:
    if text and not re.fullmatch(r"arn:aws(-cn|-us-gov)?:iam::[0-9]{12}:role/[!-~]{1,512}", text):
        raise ValueError("not the ARN of a role")
    return text


def _registry(text: str) -> str:
    if text and not re.fullmatch(r"https?://[A-Za-z0-9._:\[\]-]+(/[A-Za-z0-9._~/-]*)?", text):
        raise ValueError("not the URL of a registry")
    return text.rstrip("/")


def _login(text: str) -> Mapping[str, str]:
    value = _mapping(text)
    if value and not is_login(value):
        raise ValueError("not a username and a password")
    return value


def is_login(value: Mapping[str, Any]) -> bool:
    """Return whether the object is a username and a password, and nothing else."""
    return value.keys() == {"username", "password"} and all(isinstance(part, str) for part in value.values())


def _encoder(text: str) -> str:
    if text not in {"native", "python"}:
        raise ValueError("unknown encoder")
    return text


def _mapping(text: str) -> Mapping[str, Any]:
    value = json.loads(text)
    if not isinstance(value, dict):
        raise ValueError("not a JSON object")  # noqa: TRY004 - read() reports every unreadable value alike
    return value


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The settings of all functions. Times are in seconds, sizes in bytes."""

    project: str = _variable("GOOGLE_CLOUD_PROJECT", "the Google Cloud project", None)
    stage_topic: str = _variable("STAGE_TOPIC", "Pub/Sub topic of the staging function", "backfills-stage")
    chunks_topic: str = _variable("CHUNKS_TOPIC", "Pub/Sub topic of the chunks", "backfills-chunks")
    static_chunks_topic: str = _variable(
        "STATIC_CHUNKS_TOPIC",
        "Pub/Sub topic of the chunks of jobs with `static_egress_ip`",
        "backfills-chunks-static",
    )
    push_audience: str = _variable(
        "PUSH_AUDIENCE",
        "audience of the tokens in Pub/Sub's and Cloud Scheduler's calls; required on Cloud Run. Empty:"
        " the function does not check callers' tokens",
        "",
    )
    push_service_account: str = _variable(
        "PUSH_SERVICE_ACCOUNT",
        "email of the only service account that may call; required if PUSH_AUDIENCE is set",
        "",
    )
    push_checked_by_iam: bool = _variable(
        "PUSH_CHECKED_BY_IAM",
        "IAM verifies callers' tokens first and removes their signatures; never where `allUsers` may call",
        "false",
        _switch,
        only="Cloud Run",
    )
    api_service_account: str = _variable(
        "API_SERVICE_ACCOUNT",
        "email of the only service account that may request estimates from the staging function; empty:"
        " nobody may",
        "",
    )
    stage_url: str = _variable(
        "STAGE_URL",
        "URL of the staging function, from which the API requests estimates; over https it sends an identity"
        " token. Empty: no estimates",
        "",
    )
    estimates_per_minute: int = _variable(
        "ESTIMATES_PER_MINUTE", "estimates per minute for each organization", "10", _count
    )
    staging_bucket: str = _variable("STAGING_BUCKET", "bucket of the staged files", "")
    table_catalog: Catalog = _variable(  # noqa: RUF009 - it answers a field, as for the others
        "TABLE_CATALOG",
        "tables on offer, as a JSON list of entries; empty: Base tables",
        "",
        load_catalog,
    )
    snowflake_connect: Mapping[str, Any] = _variable(
        "SNOWFLAKE_CONNECT", "arguments of the Snowflake connector, as a JSON object", "{}", _mapping
    )
    snowflake_stage: str = _variable(
        "SNOWFLAKE_STAGE", "external stage on the bucket, as DATABASE.SCHEMA.STAGE", ""
    )
    unload_file_bytes: int = _variable(
        "UNLOAD_FILE_BYTES", "upper bound of a chunk's staged file", "33554432", int
    )
    encoder: str = _variable(
        "ENCODER",
        "encoder of staged rows to JSON: `native`, or `python`, which takes three times the CPU time. If the"
        " native encoder is not installed, the service uses `python` and logs that",
        "native",
        _encoder,
    )
    unload_wait: float = _variable(
        "UNLOAD_WAIT", "how long the staging function waits for a quick unload", "20", float
    )
    unload_limit: float = _variable(
        "UNLOAD_LIMIT",
        "statement timeout of an unload; also the warehouse's in `setup.sql`, to be run again after a change",
        "14400",
        float,
    )
    claim_limit: float = _variable(
        "CLAIM_LIMIT", "age at which a staging attempt without a query is taken over", "45", float
    )
    kafka_client: Mapping[str, Any] = _variable(
        "KAFKA_CLIENT",
        "librdkafka properties of the service's Kafka, as a JSON object;"
        " `message.max.bytes`, the largest row, is 16 MiB unless given here",
        "{}",
        _mapping,
    )
    kafka_topic_partitions: int = _variable(
        "KAFKA_TOPIC_PARTITIONS", "partitions of a topic that the service creates", "6", int
    )
    kafka_topic_replication: int = _variable(
        "KAFKA_TOPIC_REPLICATION",
        "replicas of a topic that the service creates; -1: the broker's default",
        "-1",
        int,
    )
    schema_registry_url: str = _variable(
        "SCHEMA_REGISTRY_URL",
        "schema registry, with Confluent's protocol, of Kafka destinations in Avro that ask for the `default`"
        " one; Terraform's functions reach public addresses only. Empty: each such destination must give"
        " its own",
        "",
        _registry,
    )
    schema_registry_credentials: Mapping[str, str] = _variable(
        "SCHEMA_REGISTRY_CREDENTIALS",
        "`username` and `password` for SCHEMA_REGISTRY_URL, as a JSON object",
        "{}",
        _login,
    )
    webhook_batch_rows: int = _variable(
        "WEBHOOK_BATCH_ROWS", "rows per webhook request, fixed for a job at its creation", "500", int
    )
    aws_role_arn: str = _variable(
        "AWS_ROLE_ARN",
        "Amazon role that the service assumes with its Google identity, for SNS destinations without"
        " `credentials`; empty: the API refuses those",
        "",
        _role,
    )
    allow_insecure_destinations: bool = _variable(
        "ALLOW_INSECURE_DESTINATIONS",
        "allow destinations without TLS, and private addresses",
        "false",
        _switch,
        only="local stack",
    )
    secrets_file: str = _variable(
        "SECRETS_FILE", "organizations' secrets, instead of Secret Manager", "", only="local stack"
    )
    most_jobs_in_flight: int = _variable(
        "MOST_JOBS_IN_FLIGHT",
        "unfinished jobs per organization; an operator may set another limit for one organization",
        "100",
        int,
    )
    chunks_in_flight: int = _variable(
        "CHUNKS_IN_FLIGHT",
        "published and undelivered chunks per organization, shared among its jobs; also the"
        " maximum of `max_parallel_chunks`",
        "64",
        _count,
    )
    deliveries_at_once: int | None = _variable(
        "DELIVERIES_AT_ONCE",
        "instances of the delivery function; more than twice as many chunks in flight would only wait. Empty:"
        " unknown",
        "",
        _count_or_none,
    )
    delivery_deadline: float = _variable(
        "DELIVERY_DEADLINE", "the delivery function's own deadline; below its timeout", "480", float
    )
    lease_length: float = _variable(
        "LEASE_LENGTH", "length of a delivery's lease; renewed after each third of it", "15", float
    )
    status_pause: float = _variable(
        "STATUS_PAUSE", "pause between a delivery's checks of its job's status", "2", float
    )
    staging_limit: float = _variable("STAGING_LIMIT", "time after which a staging job fails", "86400", float)
    job_limit: float = _variable("JOB_LIMIT", "time after which an unfinished job fails", "604800", float)
    stall_limit: float = _variable(
        "STALL_LIMIT",
        "time without progress or attempt after which undelivered chunks are published again; above the ack"
        " deadline and the longest backoff",
        "900",
        float,
    )
    staged_files_days: int = _variable(
        "STAGED_FILES_DAYS",
        "days for which a failed job can be retried; the bucket keeps staged files longer, by JOB_LIMIT",
        "14",
        int,
    )
    receipt_days: int = _variable(
        "RECEIPT_DAYS",
        "days for which the receipt of an ended job is kept; a failed job's at least for STAGED_FILES_DAYS",
        "90",
        _count,
    )
    kafka_marker_days: int = _variable(
        "KAFKA_MARKER_DAYS",
        "days for which Kafka keeps the offsets of an empty group (offsets.retention.minutes)",
        "7",
        int,
    )
    nudge_pause: float = _variable(
        "NUDGE_PAUSE", "minimum pause before the sweep repeats a message for the same job", "60", float
    )
    tear_down_pause: float = _variable(
        "TEAR_DOWN_PAUSE",
        "minimum pause before the sweep repeats a teardown message; above the staging function's timeout",
        "600",
        float,
    )
    unconfirmed_limit: float = _variable(
        "UNCONFIRMED_LIMIT", "age at which an unconfirmed job is removed", "300", float
    )
    most_staging_attempts: int = _variable(
        "MOST_STAGING_ATTEMPTS", "unloads that may fail for temporary reasons before the job fails", "3", int
    )
    otlp_endpoint: str = _variable(
        "OTEL_EXPORTER_OTLP_ENDPOINT",
        "OTLP over HTTP endpoint for traces; empty: no export. OpenTelemetry's other variables apply too",
        "",
    )

    @property
    def lanes_to_share(self) -> int:
        """Return how many of one organization's chunks are published and undelivered at once."""
        if self.deliveries_at_once is None:
            return self.chunks_in_flight
        return min(self.chunks_in_flight, 2 * self.deliveries_at_once)


def read(
    environment: Mapping[str, str], required: Sequence[str] = (), *, called_by_google: bool = False
) -> Settings:
    """Read the settings; ``required`` names variables with a default that this function must have set.

    Variables for the local stack must not be set on Cloud Run, nor those for Cloud Run elsewhere. A function
    that is ``called_by_google`` must have the settings that identify its callers.
    """
    cloud = bool(environment.get(_CLOUD))
    if called_by_google and (cloud or environment.get("PUSH_AUDIENCE")):
        required = (*required, "PUSH_AUDIENCE", "PUSH_SERVICE_ACCOUNT")
    elsewhere = "local stack" if cloud else "Cloud Run"
    values: dict[str, Any] = {}
    faults: list[str] = []
    for field in dataclasses.fields(Settings):
        name, default = field.metadata["name"], field.metadata["default"]
        text = environment.get(name) or default
        if text is None or (name in required and not environment.get(name)):
            faults.append(f"{name} is not set ({field.metadata['purpose']})")
            continue
        if text != default and field.metadata["only"] == elsewhere:
            faults.append(f"{name} must not be set here ({field.metadata['purpose']})")
        try:
            values[field.name] = field.metadata["parse"](text)
        except (ValueError, KeyError):
            # The value may be a credential, so the message does not repeat it.
            faults.append(f"{name} can't be read ({field.metadata['purpose']}; default {default!r})")
    if faults:
        raise ConfigurationError("; ".join(faults))
    return Settings(**values)


def describe() -> str:
    """Return a Markdown table of all variables."""
    lines = ["| variable | default | what it is |", "|---|---|---|"]
    for field in dataclasses.fields(Settings):
        default = field.metadata["default"]
        shown = "required" if default is None else f"`{default}`" if default else "empty"
        lines.append(f"| `{field.metadata['name']}` | {shown} | {field.metadata['purpose']} |")
    return "\n".join(lines) + "\n"
