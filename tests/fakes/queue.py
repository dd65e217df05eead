"""Pub/Sub in memory: what is published waits until a test takes it."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from shared.errors import Unavailable
from shared.messages import Message, from_data, to_data


@dataclass(slots=True)
class FakeQueue:
    """Fulfils the port Publisher. ``waiting`` are messages nobody took yet; while ``down`` it takes none."""

    waiting: list[Message] = field(default_factory=list)
    down: bool = False

    def publish(self, messages: Iterable[Message]) -> None:
        for message in messages:
            self.send(message)

    def send(self, message: Message) -> None:
        if self.down:
            raise Unavailable("the message queue")
        self.waiting.append(from_data(to_data(message)))

    def taken(self) -> list[Message]:
        """All that wait, and from now on no longer do."""
        messages, self.waiting = self.waiting, []
        return messages


@dataclass(frozen=True, slots=True)
class OneByOne:
    """Fulfils the port Publisher: whoever dies in the middle of a call has published the first messages."""

    queue: FakeQueue

    def publish(self, messages: Iterable[Message]) -> None:
        for message in messages:
            self.queue.send(message)
