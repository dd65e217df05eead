"""The names of a made-up Google project, and the paths of its resources in the APIs."""

from shared.operator.doctor import expectations as said

PROJECT = "example"
NUMBER = "123456789"
REGION = "us-central1"
BUCKET, SOURCES = "example-backfills-staged", "example-backfills-sources"
SNOWFLAKE = "snow@example.iam.gserviceaccount.com"
AGENT = f"serviceAccount:service-{NUMBER}@gcp-sa-pubsub.iam.gserviceaccount.com"
ADDRESSES = ("192.0.2.1", "192.0.2.2")
DATABASE = f"/v1/projects/{PROJECT}/databases/(default)"
GROUPS = f"{DATABASE}/collectionGroups/-"
SOFT_DELETED = {"retentionDurationSeconds": "604800"}
KAFKA = {
    "bootstrap.servers": "broker:9096",
    "security.protocol": "SASL_SSL",
    "sasl.mechanism": "SCRAM-SHA-512",
    "sasl.username": "backfills",
    "sasl.password": "made-up-password",
}


def account(name: str) -> str:
    return f"backfills-{name}@{PROJECT}.iam.gserviceaccount.com"


def topic(name: str) -> str:
    return f"/v1/projects/{PROJECT}/topics/{name}"


def subscription(name: str) -> str:
    return f"/v1/projects/{PROJECT}/subscriptions/{name}"


def secret(name: str) -> str:
    return f"/v1/projects/{PROJECT}/secrets/{name}"


def function(name: str) -> str:
    return f"/v2/projects/{PROJECT}/locations/{REGION}/functions/backfills-{name}"


def service(name: str) -> str:
    return f"/v2/projects/{PROJECT}/locations/{REGION}/services/backfills-{name}:getIamPolicy"


SCHEDULE = f"/v1/projects/{PROJECT}/locations/{REGION}/jobs/backfills-sweep"
COMPUTE = f"/compute/v1/projects/{PROJECT}/regions/{REGION}"
CONNECTOR = f"/v1/projects/{PROJECT}/locations/{REGION}/connectors/{said.EGRESS}"
