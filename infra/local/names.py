"""What things are called in the local stack, and who lives in it."""

PROJECT = "local-backfills"
BUCKET = "staged-chunks"

STAGE_TOPIC = "backfills-stage"
CHUNKS_TOPIC = "backfills-chunks"
STATIC_CHUNKS_TOPIC = "backfills-chunks-static"
DEAD_LETTER_TOPIC = "backfills-dead-letter"

# The function that each subscription pushes to; a subscription has its topic's name.
# Locally every address is the same one: the chunks that ask for a fixed one have a function of their own in
# production alone.
SUBSCRIBERS = {
    STAGE_TOPIC: "stage",
    CHUNKS_TOPIC: "deliver",
    STATIC_CHUNKS_TOPIC: "deliver",
    DEAD_LETTER_TOPIC: "dead_letter",
}

ORGANIZATION = "acme"
SECOND_ORGANIZATION = "globex"
# What the stand-ins of destinations have, where a stack is asked for them.
EXPORTS_BUCKET = "exports"
EXPORTS_TOPIC = f"projects/{PROJECT}/topics/exports"
EXPORTS_SUBSCRIPTION = f"projects/{PROJECT}/subscriptions/exports"

SNOWFLAKE_STAGE = "BASE.ASSETS.STAGED_CHUNKS"
WEBHOOK_SECRET = "WEBHOOK_KEY"  # noqa: S105 - the secret's name
