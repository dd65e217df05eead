"""Replaces Pub/Sub's push: pulls a subscription's messages and POSTs each in a push envelope.

The emulator's own push always keeps two requests in flight, and sends no `deliveryAttempt`. Usage:
`python -m infra.local.dispatcher '{"hold_while_starting": 10, "routes": [{…}]}'`.
"""

import base64
import json
import sys
import threading
import time
from dataclasses import dataclass
from datetime import UTC
from typing import Any

import urllib3
from google.cloud.pubsub_v1 import SubscriberClient

from infra.local.pull import Message, Puller

# The statuses that Pub/Sub accepts as an acknowledgement. After any other status it redelivers.
ACKNOWLEDGED = frozenset({102, 200, 201, 202, 204})

_LOOK_AGAIN = 0.05


@dataclass(frozen=True, kw_only=True)
class Route:
    """The target of a subscription's messages, and the number of parallel deliveries."""

    subscription: str
    url: str
    concurrency: int


def envelope(message: Message, subscription: str) -> dict[str, Any]:
    """Build the body of a push request. Like Pub/Sub's, it omits empty fields."""
    published = message.publish_time.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    content = {
        "attributes": dict(message.attributes),
        "data": base64.b64encode(message.data).decode(),
        "messageId": message.message_id,
        "message_id": message.message_id,
        "orderingKey": message.ordering_key,
        "publishTime": published,
        "publish_time": published,
    }
    body: dict[str, Any] = {
        "message": {name: value for name, value in content.items() if value},
        "subscription": subscription,
    }
    if message.delivery_attempt:  # counted only with a dead-letter policy
        body["deliveryAttempt"] = message.delivery_attempt
    return body


class Push:
    """Delivers one message at a time per thread: POST, then ack or nack depending on the status."""

    def __init__(self, route: Route, *, request_timeout: float, hold: float) -> None:
        """``request_timeout``: the ack deadline; ``hold``: the time that a function has to start. In
        seconds.
        """
        self._route = route
        self._hold = hold
        # Keep no connection alive. If a server closed an idle one at the moment of its reuse, that would
        # count as a failed delivery and use up an attempt.
        self._http = urllib3.PoolManager(retries=False, timeout=request_timeout, maxsize=route.concurrency)
        self._headers = {"Content-Type": "application/json", "Connection": "close"}

    def __call__(self, message: Message) -> None:
        body = json.dumps(envelope(message, self._route.subscription)).encode()
        try:
            status = self._post(body)
        except urllib3.exceptions.HTTPError as error:
            _say(f"{self._route.url}: message {message.message_id}: {error}")
            message.nack()
            return
        if status in ACKNOWLEDGED:
            message.ack()
        else:
            _say(f"{self._route.url}: message {message.message_id}: status {status}")
            message.nack()

    def _post(self, body: bytes) -> int:
        """POST the body. A refused connection means that the function is starting, so wait like Cloud Run."""
        give_up = time.monotonic() + self._hold
        while True:
            try:
                return self._http.request(
                    "POST", self._route.url, body=body, headers=self._headers, redirect=False
                ).status
            except urllib3.exceptions.NewConnectionError:
                if time.monotonic() > give_up:
                    raise
                time.sleep(_LOOK_AGAIN)


def main() -> None:
    settings = json.loads(sys.argv[1])
    client = SubscriberClient()
    pullers = []
    for route in (Route(**fields) for fields in settings["routes"]):
        deadline = client.get_subscription(subscription=route.subscription).ack_deadline_seconds
        push = Push(route, request_timeout=deadline, hold=settings["hold_while_starting"])
        pullers.append(Puller(client, route.subscription, route.concurrency, push))
    _say("dispatching")
    threads = [threading.Thread(target=puller.run, daemon=True) for puller in pullers]
    for thread in threads:
        thread.start()
    while all(thread.is_alive() for thread in threads):
        time.sleep(1)
    sys.exit("a pull ended unexpectedly")  # the supervisor restarts the dispatcher


def _say(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    main()
