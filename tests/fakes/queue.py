"""Pub/Sub in memory: a published message waits until a test takes it."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from shared.domain.errors import Unavailable
from shared.domain.jobs import Job
from shared.domain.messages import DeliverChunk, Message, from_data, to_data


@dataclass(slots=True)
class FakeQueue:
    """Implements the port Publisher. ``waiting``: messages not taken yet; while ``down`` it accepts none.

    ``static``: all messages ever sent to the topic for deliveries from a fixed address.
    """

    waiting: list[Message] = field(default_factory=list)
    static: list[Message] = field(default_factory=list)
    down: bool = False

    def publish(self, job: Job, messages: Iterable[Message]) -> None:
        for message in messages:
            self.send(job, message)

    def send(self, job: Job, message: Message) -> None:
        if self.down:
            raise Unavailable("the message queue")
        self.waiting.append(from_data(to_data(message)))
        if job.static_egress_ip and isinstance(message, DeliverChunk):
            self.static.append(self.waiting[-1])

    def taken(self) -> list[Message]:
        """Take and return all waiting messages."""
        messages, self.waiting = self.waiting, []
        return messages


@dataclass(frozen=True, slots=True)
class OneByOne:
    """Implements the port Publisher; a crash in the middle of a call has published the first messages."""

    queue: FakeQueue

    def publish(self, job: Job, messages: Iterable[Message]) -> None:
        for message in messages:
            self.queue.send(job, message)
