"""Messages on the service's topics, for tests that read, repeat or forge them."""

import base64
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from infra.local.calls import call

STAGE, CHUNKS, DEAD_LETTER = "backfills-stage", "backfills-chunks", "backfills-dead-letter"


class Queue:
    """The queue of one stack, by its endpoints."""

    def __init__(self, endpoints: Mapping[str, Any]) -> None:
        self._root = f"http://{endpoints['pubsub_host']}/v1/projects/{endpoints['project_id']}"

    def publish(self, topic: str, messages: Sequence[bytes]) -> set[str]:
        """Publish the messages; return their ids."""
        # The emulator refuses a message with neither data nor attributes.
        encoded = [
            {"data": base64.b64encode(data).decode(), "attributes": {"forged": "yes"}} for data in messages
        ]
        return set(self._ask("POST", f"topics/{topic}:publish", {"messages": encoded})["messageIds"])

    def listen(self, topic: str) -> "Listener":
        """Listen to every message published from now on, in parallel to the service."""
        name = f"listener-{uuid.uuid4()}"
        project = self._root.partition("/v1/")[2]
        self._ask("PUT", f"subscriptions/{name}", {"topic": f"{project}/topics/{topic}"})
        return Listener(self, name)

    def pull(self, subscription: str) -> list[bytes]:
        """Take the waiting messages, if any."""
        body = {"maxMessages": 1000, "returnImmediately": True}
        received = self._ask("POST", f"subscriptions/{subscription}:pull", body).get("receivedMessages", [])
        if received:
            acknowledged = {"ackIds": [each["ackId"] for each in received]}
            self._ask("POST", f"subscriptions/{subscription}:acknowledge", acknowledged)
        return [base64.b64decode(each["message"].get("data", "")) for each in received]

    def _ask(self, method: str, path: str, body: Any) -> dict[str, Any]:
        answer = call(method, f"{self._root}/{path}", json=body)
        assert answer.status == 200, answer.data
        content: dict[str, Any] = answer.json()
        return content


class Listener:
    """Collects the messages published to one topic."""

    def __init__(self, queue: Queue, subscription: str) -> None:
        self._queue = queue
        self._subscription = subscription
        self._heard: list[bytes] = []

    def heard(self) -> list[bytes]:
        """Return all messages so far."""
        self._heard += self._queue.pull(self._subscription)
        return list(self._heard)
