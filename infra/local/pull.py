"""Pulls a subscription's messages and handles a limited number of them in parallel.

It does not use a streaming pull: for minutes, the emulator keeps sending messages to the stream of a killed
process, so after several kills most messages would at first go nowhere. Requests do not wait for messages at
the emulator either, because it would give them to a process that was killed in the meantime.
"""

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Never, Protocol

from google.api_core.exceptions import GoogleAPICallError

# Seconds between two pulls. The pause grows while there are no messages.
_LOOK_AGAIN, _LOOK_AGAIN_IDLE = 0.03, 0.25
_TROUBLE_PAUSE = 0.5
_CALL_SECONDS = 10.0
# The messages of a killed process are redelivered after this time.
_LEASE_SECONDS = 10


class Message(Protocol):
    """A message for the handler. Its delivery attempts are counted only with a dead-letter policy."""

    @property
    def message_id(self) -> str: ...
    @property
    def data(self) -> bytes: ...
    @property
    def attributes(self) -> Any: ...
    @property
    def ordering_key(self) -> str: ...
    @property
    def publish_time(self) -> datetime: ...
    @property
    def delivery_attempt(self) -> int | None: ...
    def ack(self) -> None: ...
    def nack(self) -> None: ...


@dataclass(frozen=True, slots=True)
class _Pulled:
    """Implements Message; ``settle`` takes the seconds until redelivery, None for an acknowledgement."""

    message_id: str
    data: bytes
    attributes: Any
    ordering_key: str
    publish_time: datetime
    delivery_attempt: int | None
    settle: Callable[[int | None], None]

    def ack(self) -> None:
        self.settle(None)

    def nack(self) -> None:
        self.settle(0)


class Puller:
    """Handles up to ``concurrency`` messages at once, and extends their leases until they are done."""

    def __init__(
        self, client: Any, subscription: str, concurrency: int, handle: Callable[[Message], None]
    ) -> None:
        """``client``: a ``SubscriberClient``. ``handle`` must ack or nack."""
        self._client = client
        self._subscription = subscription
        self._concurrency = concurrency
        self._handle = handle
        self._held: set[str] = set()
        self._changed = threading.Condition()

    def run(self) -> Never:
        """Run forever, whatever the other side does."""
        threading.Thread(target=self._renew, daemon=True).start()
        pause = _LOOK_AGAIN
        with ThreadPoolExecutor(self._concurrency) as pool:
            while True:
                messages = self._pull(self._room())
                for message in messages:
                    pool.submit(self._handle, message)
                pause = _LOOK_AGAIN if messages else min(pause * 1.3, _LOOK_AGAIN_IDLE)
                if not messages:
                    time.sleep(pause)

    def _room(self) -> int:
        with self._changed:
            while len(self._held) >= self._concurrency:
                self._changed.wait()
            return self._concurrency - len(self._held)

    def _pull(self, most: int) -> list[Message]:
        asked = {"max_messages": most, "return_immediately": True}
        answer = self._call(self._client.pull, **asked)
        received = answer.received_messages if answer is not None else ()
        with self._changed:
            self._held |= {each.ack_id for each in received}
        self._lease([each.ack_id for each in received], _LEASE_SECONDS)
        return [self._message(each) for each in received]

    def _message(self, received: Any) -> Message:
        message, ack_id = received.message, received.ack_id
        return _Pulled(
            message.message_id,
            message.data,
            message.attributes,
            message.ordering_key,
            message.publish_time,
            received.delivery_attempt or None,
            lambda seconds: self._settle(ack_id, seconds),
        )

    def _settle(self, ack_id: str, seconds: int | None) -> None:
        with self._changed:
            self._held.discard(ack_id)
            self._changed.notify()
        if seconds is None:
            self._call(self._client.acknowledge, ack_ids=[ack_id])
        else:
            self._lease([ack_id], seconds)

    def _renew(self) -> Never:
        while True:
            time.sleep(_LEASE_SECONDS / 3)
            with self._changed:
                held = list(self._held)
            self._lease(held, _LEASE_SECONDS)

    def _lease(self, ack_ids: Sequence[str], seconds: int) -> None:
        if ack_ids:
            self._call(self._client.modify_ack_deadline, ack_ids=ack_ids, ack_deadline_seconds=seconds)

    def _call(self, method: Callable[..., Any], **fields: Any) -> Any:
        """Return the response, or None after an error. A failed call only causes redeliveries."""
        request = {"subscription": self._subscription, **fields}
        try:
            return method(request=request, retry=None, timeout=_CALL_SECONDS)
        except GoogleAPICallError as error:
            print(f"{self._subscription}: {type(error).__name__}: {error}", flush=True)
            time.sleep(_TROUBLE_PAUSE)
            return None
