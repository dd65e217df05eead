"""What the doctor looks at, in the order in which it tells."""

from typing import Final

AREAS: Final = (
    "clock",
    "firestore",
    "pubsub",
    "bucket",
    "secrets",
    "snowflake",
    "kafka",
    "functions",
    "egress",
)
# Examined only on request, because it creates a job.
BACKFILL: Final = "backfill"
