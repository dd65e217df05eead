"""Creates the resources that the functions expect: topics, subscriptions, the bucket, API keys.

It uses the emulators' REST interfaces. Google's clients take a second to import. They also read their
emulator's address from the process's environment, which a test process must not share.
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
    """An emulator did not create a resource."""


def create_topics(options: StackOptions, layout: Layout) -> None:
    """Create the topics, and one pull subscription for each function that handles messages. If requested,
    also create a topic with a subscription to deliver to.
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
            "retainAckedMessages": True,  # otherwise there is nothing to replay
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
    """Create the bucket of the staged files and, if requested, one to deliver to."""
    for bucket in (names.BUCKET, *([names.EXPORTS] if "gcs" in options.destinations else [])):
        _send("POST", f"{layout.url('gcs')}/storage/v1/b?project={names.PROJECT}", {"name": bucket})


def amazon(url: str, service: str) -> Any:
    """Return a client of the server that replaces Amazon."""
    import boto3  # takes a second to import, and few stacks need it

    session: Any = boto3.session.Session("AKIALOCAL", "local", region_name=names.AWS_REGION)
    return session.client(service, endpoint_url=url)


def create_sns_topic(url: str, name: str) -> str:
    """Create a topic, and a queue of its name for its unchanged messages. Return the topic's ARN."""
    queue = f"arn:aws:sqs:{names.AWS_REGION}:{names.AWS_ACCOUNT}:{name}"
    amazon(url, "sqs").create_queue(QueueName=name)
    sns = amazon(url, "sns")
    topic: str = sns.create_topic(Name=name)["TopicArn"]
    raw = {"RawMessageDelivery": "true"}
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue, Attributes=raw)
    return topic


def create_stream(layout: Layout) -> None:
    """Create a NATS stream for a subject to deliver to."""
    import nats

    async def create() -> None:
        client = await nats.connect(f"nats://{layout.host('nats')}")
        await client.jetstream().add_stream(name=names.EXPORTS, subjects=[f"{names.EXPORTS}.>"])
        await client.close()

    asyncio.run(create())


def create_api_key(layout: Layout, key: str, organization: str) -> None:
    """Store an API key like production does: only its SHA-256."""
    hashed = hashlib.sha256(key.encode()).hexdigest()
    documents = f"{layout.url('firestore')}/v1/projects/{names.PROJECT}/databases/(default)/documents"
    fields = {
        "organization_id": {"stringValue": organization},
        "created": {"timestampValue": datetime.now(UTC).isoformat().replace("+00:00", "Z")},
        "revoked": {"nullValue": None},
    }
    _send("POST", f"{documents}/api_keys?documentId={hashed}", {"fields": fields})


def _send(method: str, url: str, body: dict[str, Any]) -> None:
    # "owner" is the emulators' token for a caller that is exempt from security rules.
    headers = {"Content-Type": "application/json", "Authorization": "Bearer owner"}
    answer = _http.request(method, url, body=json.dumps(body), headers=headers)
    if answer.status != 200:  # noqa: PLR2004 - OK
        raise ResourceRefused(f"{method} {url} answered {answer.status}: {answer.data.decode()}")
