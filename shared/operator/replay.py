"""Replay: rewind the subscriptions, so that Pub/Sub delivers again what was acknowledged since.

The tool for a disaster that lost work of many jobs; one job is retried over the API. It is harmless for
all that was delivered: a chunk that is counted, a job that has ended, and a message of an earlier attempt
are recognized and acknowledged again.
"""

from collections.abc import Sequence
from datetime import datetime

from google.cloud.pubsub_v1 import SubscriberClient

from shared.adapters.google_errors import reaching

_SECONDS = 60.0


def replay(
    client: SubscriberClient,
    project: str,
    subscriptions: Sequence[str],
    *,
    time: datetime | None = None,
    snapshot: str | None = None,
) -> None:
    """Rewind each subscription to ``time``, or to its snapshot ``{subscription}-{snapshot}``.

    Unavailable if Pub/Sub does not answer; the client's own error for a snapshot that does not exist.
    """
    for subscription in subscriptions:
        request: dict[str, object] = {"subscription": client.subscription_path(project, subscription)}
        if time is not None:
            request["time"] = time
        else:
            request["snapshot"] = client.snapshot_path(project, f"{subscription}-{snapshot}")
        with reaching("Pub/Sub"):
            client.seek(request=request, timeout=_SECONDS)


def take_snapshot(client: SubscriberClient, project: str, subscriptions: Sequence[str], *, name: str) -> None:
    """Remember what is acknowledged now, as a snapshot of each subscription, for a replay within 7 days."""
    for subscription in subscriptions:
        request = {
            "name": client.snapshot_path(project, f"{subscription}-{name}"),
            "subscription": client.subscription_path(project, subscription),
        }
        with reaching("Pub/Sub"):
            client.create_snapshot(request=request, timeout=_SECONDS)
