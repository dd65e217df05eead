"""Replay: rewind the subscriptions, so that Pub/Sub redelivers messages that were acknowledged since then.

Use it after a disaster that lost the work of many jobs; retry a single job over the API. A replay does not
affect finished work: the functions recognize and acknowledge messages of counted chunks, ended jobs and
earlier attempts.
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

    Raises Unavailable if Pub/Sub does not answer, and the client's own error for a missing snapshot.
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
    """Save which messages are acknowledged now, as a snapshot of each subscription, for a replay within 7
    days.
    """
    for subscription in subscriptions:
        request = {
            "name": client.snapshot_path(project, f"{subscription}-{name}"),
            "subscription": client.subscription_path(project, subscription),
        }
        with reaching("Pub/Sub"):
            client.create_snapshot(request=request, timeout=_SECONDS)
