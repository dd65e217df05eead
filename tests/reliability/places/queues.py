"""Places that do not tell how many messages they have: Pub/Sub and SNS."""

import base64
import json
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from infra.local import names
from infra.local.calls import call
from infra.local.resources import amazon, create_sns_topic
from tests.reliability.places.place import SECONDS, Endpoints, Message, Place

_QUIET = 20.0  # after this many seconds without a message, a queue that lacks messages counts as empty
_EMPTY_PULLS = 3  # after this many, a queue that lacks none counts as empty


class PubSub(Place):
    """A topic with a subscription."""

    def create(self, name: str) -> dict[str, Any]:
        topic = f"projects/{self._endpoints['project_id']}/topics/{name}"
        _send("PUT", f"{self._root}/{topic}", {})
        _send("PUT", self._subscription(name), {"topic": topic})
        return {"topic": topic}

    def arrived(self, name: str, wanted: int) -> Sequence[Message]:
        def pull() -> list[Message]:
            asked = {"maxMessages": 1_000, "returnImmediately": True}
            answer = _send("POST", f"{self._subscription(name)}:pull", asked)
            received = answer.get("receivedMessages", [])
            if received:
                ids = [one["ackId"] for one in received]
                _send("POST", f"{self._subscription(name)}:acknowledge", {"ackIds": ids})
            messages = [one["message"] for one in received]
            return [
                Message(json.loads(base64.b64decode(one["data"])), one.get("attributes", {}))
                for one in messages
            ]

        return _drained(pull, wanted)

    @property
    def _root(self) -> str:
        return f"http://{self._endpoints['pubsub_host']}/v1"

    def _subscription(self, name: str) -> str:
        return f"{self._root}/projects/{self._endpoints['project_id']}/subscriptions/{name}"


class Sns(Place):
    """A topic with a queue. Moto's queues become slow with many messages, so each job has its own."""

    def __init__(self, endpoints: Endpoints, address: str) -> None:
        super().__init__(endpoints)
        self._address = address

    def create(self, name: str) -> dict[str, Any]:
        topic = create_sns_topic(self._endpoints["aws"]["url"], name)
        credentials = self._endpoints["aws"]["credentials"]
        return {"topic_arn": topic, "credentials": credentials, "endpoint_url": self._address}

    def arrived(self, name: str, wanted: int) -> Sequence[Message]:
        server = self._endpoints["aws"]["url"]
        sqs, url = amazon(server, "sqs"), f"{server}/{names.AWS_ACCOUNT}/{name}"

        def pull() -> list[Message]:
            answer = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, MessageAttributeNames=["All"])
            messages = answer.get("Messages", [])
            for one in messages:
                sqs.delete_message(QueueUrl=url, ReceiptHandle=one["ReceiptHandle"])
            return [
                Message(json.loads(one["Body"]), _values(one.get("MessageAttributes", {})))
                for one in messages
            ]

        return _drained(pull, wanted)


def _values(attributes: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value["StringValue"] for name, value in attributes.items()}


def _drained(pull: Callable[[], list[Message]], wanted: int) -> list[Message]:
    """Pull all messages of a queue that does not tell how many it has."""
    found: list[Message] = []
    heard, empty = time.monotonic(), 0
    while True:
        if messages := pull():
            found += messages
            heard, empty = time.monotonic(), 0
            continue
        empty += 1
        complete = empty >= _EMPTY_PULLS and len({message.label for message in found}) >= wanted
        if complete or time.monotonic() - heard > _QUIET:
            return found
        time.sleep(0.1)


def _send(method: str, url: str, body: Any) -> Any:
    answer = call(method, url, json=body, timeout=SECONDS, retries=False)
    # A repeated creation finds what the first one created.
    assert answer.status in {200, 409}, (url, answer.status, answer.data)
    return answer.json()
