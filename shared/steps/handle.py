"""Handle a message: give it to its step, and end the job when the step says that it can never succeed."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from shared.domain.errors import JobFails, MalformedMessage
from shared.domain.messages import Message, TearDownJob
from shared.steps.finish import Finish


@dataclass(frozen=True, slots=True)
class Handle:
    """``steps`` by the type of the messages that each takes."""

    steps: Mapping[type[Message], Callable[[Any], None]]
    finish: Finish

    def run(self, message: Message) -> None:
        """Raises what the step raised; after JobFails the job has ended, and the message is done with."""
        step = self.steps.get(type(message))
        if step is None:
            raise MalformedMessage(f"this function does not take {message.kind} messages")
        try:
            step(message)
        except JobFails as error:
            if not isinstance(message, TearDownJob):
                self.finish.fail(message.organization_id, message.job_id, error.message, retry=message.retry)
            raise
