"""Creates what the functions expect to exist: topics, subscriptions, the bucket, API keys.

Over the emulators' REST interfaces: Google's clients take a second to import and read their emulator's
address from the process's environment, which a test process must not share.
"""

import asyncio
import hashlib
import json
from datetime import UTC, datetime
from typing import Any

import urllib3

from infra.local import names
from infra.local.layout import Layout
from infra.local.options import StackOptions

_http = urllib3.PoolManager(retries=False, timeout=30)


class ResourceRefused(Exception):  # noqa: N818 - named for what happened
    """An emulator did not create what it was asked for."""


def create_topics(options: StackOptions, layout: Layout) -> None:
    """Create the topics, and one pull subscription for each function that takes messages; one of each to
    deliver to where that is asked for.
    """
    project = f"projects/{names.PROJECT}"
    root = f"{layout.url('pubsub')}/v1/{project}"
    for topic in names.SUBSCRIBERS:
        _send("PUT", f"{root}/topics/{topic}", {})
    if "pubsub" in options.destinations:
        exports = f"topics/{names.EXPORTS}"
        _send("PUT", f"{root}/{exports}", {})
        reading = {"topic": f"{project}/{exports}", "enableMessageOrdering": True}
        _send("PUT", f"{root}/subscriptions/{names.EXPORTS}", reading)
    for topic in names.SUBSCRIBERS:
        subscription: dict[str, Any] = {
            "topic": f"{project}/topics/{topic}",
            "ackDeadlineSeconds": options.ack_deadline,
            "retainAckedMessages": True,  # else there is nothing to replay
            "retryPolicy": {
                "minimumBackoff": f"{options.minimum_backoff}s",
                "maximumBackoff": f"{options.maximum_backoff}s",
            },
        }
        if topic != names.DEAD_LETTER_TOPIC:
            subscription["deadLetterPolicy"] = {
                "deadLetterTopic": f"{project}/topics/{names.DEAD_LETTER_TOPIC}",
                "maxDeliveryAttempts": options.most_attempts,
            }
        _send("PUT", f"{root}/subscriptions/{topic}", subscription)


def create_buckets(options: StackOptions, layout: Layout) -> None:
    """Create the bucket of the staged files, and one to deliver to where that is asked for."""
    for bucket in (names.BUCKET, *([names.EXPORTS] if "gcs" in options.destinations else [])):
        _send("POST", f"{layout.url('gcs')}/storage/v1/b?project={names.PROJECT}", {"name": bucket})


def create_sns_topic(layout: Layout) -> None:
    """Create a topic, and a queue that gets its messages as they are."""
    import boto3  # takes a second, and few stacks need it

    session = boto3.session.Session("AKIALOCAL", "local", region_name=names.AWS_REGION)
    queue = f"arn:aws:sqs:{names.AWS_REGION}:{names.AWS_ACCOUNT}:{names.EXPORTS}"
    session.client("sqs", endpoint_url=layout.url("sns")).create_queue(QueueName=names.EXPORTS)
    sns = session.client("sns", endpoint_url=layout.url("sns"))
    topic = sns.create_topic(Name=names.EXPORTS)["TopicArn"]
    raw = {"RawMessageDelivery": "true"}
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue, Attributes=raw)


def create_stream(layout: Layout) -> None:
    """Create a stream of NATS, for a subject to deliver to."""
    import nats

    async def create() -> None:
        client = await nats.connect(f"nats://{layout.host('nats')}")
        await client.jetstream().add_stream(name=names.EXPORTS, subjects=[f"{names.EXPORTS}.>"])
        await client.close()

    asyncio.run(create())


def create_api_key(layout: Layout, key: str, organization: str) -> None:
    """Store an API key as production does: by its SHA-256 alone."""
    hashed = hashlib.sha256(key.encode()).hexdigest()
    documents = f"{layout.url('firestore')}/v1/projects/{names.PROJECT}/databases/(default)/documents"
    fields = {
        "organization_id": {"stringValue": organization},
        "created": {"timestampValue": datetime.now(UTC).isoformat().replace("+00:00", "Z")},
        "revoked": {"nullValue": None},
    }
    _send("POST", f"{documents}/api_keys?documentId={hashed}", {"fields": fields})


def _send(method: str, url: str, body: dict[str, Any]) -> None:
    # "owner" is the emulators' own word for a caller that security rules do not bind.
    headers = {"Content-Type": "application/json", "Authorization": "Bearer owner"}
    answer = _http.request(method, url, body=json.dumps(body), headers=headers)
    if answer.status != 200:  # noqa: PLR2004 - OK
        raise ResourceRefused(f"{method} {url} answered {answer.status}: {answer.data.decode()}")
