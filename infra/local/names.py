"""What things are called in the local stack, and who lives in it."""

PROJECT = "local-backfills"
BUCKET = "staged-chunks"
EXPORTS = "exports"  # a bucket, and topics, to deliver to
AWS_ACCOUNT = "123456789012"  # the only one of the server that stands in for Amazon
AWS_REGION = "eu-west-1"

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
SNOWFLAKE_STAGE = "BASE.ASSETS.STAGED_CHUNKS"
AWS_SECRET = "AWS_KEYS"  # noqa: S105 - the secret's name
KAFKA_SECRET = "KAFKA_LOGIN"  # noqa: S105 - the secret's name
WEBHOOK_SECRET = "WEBHOOK_KEY"  # noqa: S105 - the secret's name
