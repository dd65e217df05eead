"""What things are called in the local stack, and who lives in it."""

PROJECT = "local-backfills"
BUCKET = "staged-chunks"

STAGE_TOPIC = "backfills-stage"
CHUNKS_TOPIC = "backfills-chunks"
DEAD_LETTER_TOPIC = "backfills-dead-letter"

# The function that each subscription pushes to; a subscription has its topic's name.
SUBSCRIBERS = {STAGE_TOPIC: "stage", CHUNKS_TOPIC: "deliver", DEAD_LETTER_TOPIC: "dead_letter"}

ORGANIZATION = "acme"
SECOND_ORGANIZATION = "globex"
SNOWFLAKE_STAGE = "BASE.ASSETS.STAGED_CHUNKS"
WEBHOOK_SECRET = "WEBHOOK_KEY"  # noqa: S105 - the secret's name
