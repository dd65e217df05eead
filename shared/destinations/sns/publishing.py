"""One request at a time, until each of its messages is acknowledged."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError, ConnectTimeoutError, EndpointConnectionError

from shared.destinations.sns.access import Access
from shared.destinations.sns.errors import UNANSWERED, expired, failure, of_client, of_connection
from shared.destinations.sns.topic import Topic
from shared.errors import BackfillError, DestinationRefused, RetryLater, Unavailable
from shared.steps.sending import Pulse

if TYPE_CHECKING:
    from mypy_boto3_sns.type_defs import PublishBatchRequestEntryTypeDef as Entry
    from mypy_boto3_sns.type_defs import PublishBatchResponseTypeDef as Response

_LONGEST_SLEEP = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Tries:
    """At ``most`` so many for a request. Times in seconds; ``request`` is the longest wait for an answer."""

    most: int
    first_pause: float
    longest_pause: float
    request: float
    monotonic: Callable[[], float]
    sleep: Callable[[float], None]
    random: Callable[[], float]

    def pause(self, attempt: int) -> float:
        return self.random() * min(self.longest_pause, self.first_pause * 2.0 ** (attempt - 1))


@dataclass(frozen=True, slots=True, kw_only=True)
class Publishing:
    """To one topic, for one delivery, in many threads; ``given_up`` once nobody waits any more."""

    topic: Topic
    access: Access
    knows_region: Callable[[], bool]
    pulse: Pulse
    given_up: Callable[[], bool]
    tries: Tries

    def publish(self, entries: "list[Entry]") -> None:
        """Have SNS acknowledge every entry; those that it has are not sent again."""
        attempt = 0
        while not self.given_up():
            attempt += 1
            self.pulse.check()
            if self.pulse.seconds_left() < self.tries.request / 4:
                raise RetryLater("the time for this delivery was over before all of it was sent")
            try:
                answer = self.access.client.publish_batch(
                    TopicArn=self.topic.arn, PublishBatchRequestEntries=entries
                )
            except ClientError as error:
                trouble = self._refused(error)
            except UNANSWERED as error:
                trouble = self._unanswered(error)
            else:
                entries, trouble = self._left(entries, answer)
                if not entries:
                    return
            if not isinstance(trouble, RetryLater):
                raise trouble from None
            pause = self.tries.pause(attempt)
            if attempt == self.tries.most or pause > self.pulse.seconds_left():
                raise trouble from None
            self._pause(pause)

    def _refused(self, error: ClientError) -> BackfillError:
        trouble = of_client(error, self.access.asked)
        if expired(error):
            # A client with these keys would fail for ever: the next delivery takes on its role anew.
            self.access.forget()
            raise trouble from None
        return trouble

    def _unanswered(self, error: Exception) -> BackfillError:
        unreachable = isinstance(error, EndpointConnectionError | ConnectTimeoutError)
        endpoint = self.access.client.meta.endpoint_url
        if unreachable and "amazonaws.com" in endpoint and not self.knows_region():
            return DestinationRefused(
                f"Amazon has no region {self.topic.region}, as topic {self.topic.arn} says:"
                " create the job anew with the topic's own ARN"
            )
        return of_connection(error, self.access.asked)

    def _left(self, entries: "list[Entry]", answer: "Response") -> "tuple[list[Entry], BackfillError]":
        """The entries that are not acknowledged, and why; the first that never will be is raised."""
        acknowledged = {entry.get("Id") for entry in answer.get("Successful", [])}
        asked = self.access.asked
        # What is named in neither list was not acknowledged.
        trouble: BackfillError = Unavailable(f"Amazon, which left out messages for {asked.place},")
        for failed in answer.get("Failed", []):
            acknowledged.discard(failed.get("Id"))
            passing = not failed.get("SenderFault", False)
            trouble = failure(failed.get("Code", ""), failed.get("Message", ""), asked, passing=passing)
            if not isinstance(trouble, RetryLater):
                raise trouble
        return [entry for entry in entries if entry["Id"] not in acknowledged], trouble

    def _pause(self, seconds: float) -> None:
        until = self.tries.monotonic() + seconds
        while (left := until - self.tries.monotonic()) > 0 and not self.given_up():
            self.pulse.check()
            self.tries.sleep(min(left, _LONGEST_SLEEP))
