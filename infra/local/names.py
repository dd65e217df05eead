"""The names of the local stack's resources and organizations."""

PROJECT = "local-backfills"
BUCKET = "staged-chunks"
EXPORTS = "exports"  # the name of a bucket and of topics to deliver to
AWS_ACCOUNT = "123456789012"  # the only account of the server that replaces Amazon
AWS_REGION = "eu-west-1"

STAGE_TOPIC = "backfills-stage"
CHUNKS_TOPIC = "backfills-chunks"
STATIC_CHUNKS_TOPIC = "backfills-chunks-static"
DEAD_LETTER_TOPIC = "backfills-dead-letter"

# The function that each subscription pushes to. A subscription has its topic's name. Chunks with a static
# egress address have a separate function only in production, because all local addresses are the same.
SUBSCRIBERS = {
    STAGE_TOPIC: "stage",
    CHUNKS_TOPIC: "deliver",
    STATIC_CHUNKS_TOPIC: "deliver",
    DEAD_LETTER_TOPIC: "dead_letter",
}

ORGANIZATION = "acme"
SECOND_ORGANIZATION = "globex"
SNOWFLAKE_STAGE = "BASE.ASSETS.STAGED_CHUNKS"
AWS_SECRET = "AWS_KEYS"  # noqa: S105 - the secret's name
KAFKA_SECRET = "KAFKA_LOGIN"  # noqa: S105 - the secret's name
WEBHOOK_SECRET = "WEBHOOK_KEY"  # noqa: S105 - the secret's name
