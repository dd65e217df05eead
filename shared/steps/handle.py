"""Handle a message: run its step, and fail the job if the step raises a permanent error."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from shared.domain.errors import JobFails, MalformedMessage
from shared.domain.messages import Message, TearDownJob
from shared.steps.finish import Finish


@dataclass(frozen=True, slots=True)
class Handle:
    """``steps`` maps each type of message to its step."""

    steps: Mapping[type[Message], Callable[[Any], None]]
    finish: Finish

    def run(self, message: Message) -> None:
        """Run the message's step and raise what it raises. After JobFails, the job has ended and the message
        must be acknowledged.
        """
        step = self.steps.get(type(message))
        if step is None:
            raise MalformedMessage(f"this function does not handle {message.kind} messages")
        try:
            step(message)
        except JobFails as error:
            if not isinstance(message, TearDownJob):
                self.finish.fail(message.organization_id, message.job_id, error.message, retry=message.retry)
            raise
