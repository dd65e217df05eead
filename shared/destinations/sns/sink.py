"""The SNS sink: a chunk's rows as messages, ten per request."""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from shared.destinations.labels import labels, row_id
from shared.destinations.requests import Request, RequestLimits, Requests, grouped
from shared.destinations.sns.clients import Clients
from shared.destinations.sns.errors import meaning, speaking_of
from shared.domain.errors import DestinationRefused, Unavailable
from shared.domain.oversized import NONE_SKIPPED, SizeLimit, Skipped
from shared.steps.sending import ChunkDelivery, EncodedBatch, Pulse, Rows

MOST_ENTRIES: Final = 10  # per request
MOST_BYTES: Final = 262_144  # per request, and thus per message, including attributes
_LIMIT = SizeLimit(MOST_BYTES, "SNS", "Make the row smaller, by `columns` for example,")
_STRING = "String"
_FIRST_OF_SERVER = 500

Entries = list[dict[str, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class SnsSink:
    """Implements Sink."""

    clients: Clients
    monotonic: Callable[[], float]
    sleep: Callable[[float], None]
    random: Callable[[], float]
    limits: RequestLimits

    def deliver(self, delivery: ChunkDelivery, rows: Rows, pulse: Pulse) -> bool:
        """Publish the rows of the unacknowledged batches. Return False if time ran out."""
        ordered = delivery.destination.options["topic_arn"].endswith(".fifo")
        # Parallel requests could overtake each other.
        limits = replace(self.limits, in_flight=1) if ordered else self.limits
        requests = Requests(monotonic=self.monotonic, sleep=self.sleep, random=self.random, limits=limits)
        client = self.clients.client(delivery)
        return requests.deliver(
            delivery,
            rows,
            pulse,
            lambda batch: _prepared(delivery, batch, ordered=ordered),
            lambda entries: _publish(client, delivery, entries),
        )


def _publish(client: Any, delivery: ChunkDelivery, entries: Entries) -> None:
    """Send the entries, and keep only those that need a retry."""
    destination = delivery.destination
    with speaking_of(destination):
        answer = client.publish_batch(
            TopicArn=destination.options["topic_arn"], PublishBatchRequestEntries=entries
        )
    failed = {one["Id"]: one for one in answer.get("Failed", ())}
    entries[:] = [entry for entry in entries if entry["Id"] in failed]
    for one in failed.values():
        status = 400 if one.get("SenderFault") else _FIRST_OF_SERVER
        error = meaning(destination, one.get("Code", ""), status, one.get("Message", ""))
        if isinstance(error, DestinationRefused):
            raise error
    if failed:
        code = next(iter(failed.values())).get("Code", "")
        raise Unavailable(f"Amazon, for {destination},", detail=f"{len(failed)} messages refused: {code}")


def _prepared(
    delivery: ChunkDelivery, batch: EncodedBatch, *, ordered: bool
) -> tuple[Sequence[Request[Entries]], Skipped]:
    skipped = NONE_SKIPPED

    def entries() -> Iterator[tuple[dict[str, Any], int]]:
        nonlocal skipped
        for index, line in enumerate(batch.lines()):
            row = batch.first_row + index
            # SNS uses XML, which excludes these characters. Only JSON strings contain them, so escape them.
            text = line.decode().replace("\ufffe", "\\ufffe").replace("\uffff", "\\uffff")
            names = labels(delivery, row)
            named = sum(len(name) + len(_STRING) + len(value) for name, value in names.items())
            size = len(text.encode()) + named
            if size > MOST_BYTES:
                keys = batch.keys()
                skipped += delivery.too_large(row, keys[index] if keys else None, size, _LIMIT)
                continue
            entry: dict[str, Any] = {
                "Id": str(row),
                "Message": text,
                "MessageAttributes": {
                    name: {"DataType": _STRING, "StringValue": value} for name, value in names.items()
                },
            }
            if ordered:
                entry["MessageGroupId"] = f"{delivery.job_id}_{delivery.chunk}_{delivery.destination.uid}"
                # Ids have at most 128 characters.
                entry["MessageDeduplicationId"] = hashlib.sha256(row_id(delivery, row).encode()).hexdigest()
            yield entry, size

    requests = list(grouped(entries(), MOST_ENTRIES, MOST_BYTES))
    return requests, skipped
