"""The areas that the doctor checks, in the order of its report."""

from typing import Final

AREAS: Final = (
    "clock",
    "firestore",
    "pubsub",
    "bucket",
    "secrets",
    "snowflake",
    "kafka",
    "registry",
    "functions",
    "egress",
)
# Examined only on request, because it creates a job.
BACKFILL: Final = "backfill"
