"""Creates what the functions expect to exist: topics, subscriptions, the bucket, API keys.

Over the emulators' REST interfaces: Google's clients take a second to import and read their emulator's
address from the process's environment, which a test process must not share.
"""

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
    """Create the topics, and one pull subscription for each function that takes messages."""
    project = f"projects/{names.PROJECT}"
    root = f"{layout.url('pubsub')}/v1/{project}"
    for topic in names.SUBSCRIBERS:
        _send("PUT", f"{root}/topics/{topic}", {})
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
    if "pubsub" in options.destinations:
        create_exports_topic(layout)


def create_exports_topic(layout: Layout) -> None:
    """Create a topic that jobs may name as their destination, and a subscription to read it from."""
    root = f"{layout.url('pubsub')}/v1"
    _send("PUT", f"{root}/{names.EXPORTS_TOPIC}", {})
    subscription = {"topic": names.EXPORTS_TOPIC, "enableMessageOrdering": True}
    _send("PUT", f"{root}/{names.EXPORTS_SUBSCRIPTION}", subscription)


def create_buckets(options: StackOptions, layout: Layout) -> None:
    """Create the bucket of the staged files, and one that jobs may name, where it is asked for."""
    for bucket in (names.BUCKET, *((names.EXPORTS_BUCKET,) if "gcs" in options.destinations else ())):
        _send("POST", f"{layout.url('gcs')}/storage/v1/b?project={names.PROJECT}", {"name": bucket})


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
