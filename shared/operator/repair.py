"""Repair: compute anew what a restore has put back to an earlier minute beside documents created since.

A restore overwrites the documents of that minute and keeps the later ones. An organization's number of jobs
in flight, and the number of jobs that name a topic, then lack the jobs that were created since. Everything
else repairs itself while the jobs go on.

Run it while nothing else writes. A concurrent change makes it raise Busy, and then nothing is wrong: run it
again.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from google.api_core.exceptions import FailedPrecondition
from google.cloud import firestore

from shared.adapters.firestore_documents import CALL, fields_of, paged, topic_reference
from shared.adapters.firestore_limits import recount
from shared.adapters.google_errors import reaching
from shared.destinations import KINDS
from shared.domain.errors import Busy

Snapshot = firestore.DocumentSnapshot[Any]


@dataclass(frozen=True, slots=True)
class Repaired:
    """``in_flight``: the organization's jobs in flight. ``topics``: how many topics' records were wrong."""

    in_flight: int
    topics: int


def repaired(client: firestore.Client, organizations: Sequence[str], now: datetime) -> Iterator[str]:
    """Repair these organizations, or all if none is given. Yield a line for each."""
    for organization in organizations or _all(client):
        done = repair(client, organization, now)
        yield f"repair: {organization}: {done.in_flight} in flight, {done.topics} topics repaired\n"


def repair(client: firestore.Client, organization_id: str, now: datetime) -> Repaired:
    """Repair the organization's records. Raises Busy if they change meanwhile."""
    in_flight = recount(client, organization_id)
    # Read the topics before the jobs: the commit that records a job changes its topics, too.
    topics = list(
        paged(client.collection("organizations", organization_id, "topics").select(["jobs", "removing"]))
    )
    named = _named(client, organization_id)
    changed = sum(_repair_topic(client, topic, named[topic.id], now) for topic in topics)
    return Repaired(in_flight, changed)


def _all(client: firestore.Client) -> list[str]:
    with reaching("the job store"):
        # Also those without a document of their own.
        return sorted(one.id for one in client.collection("organizations").list_documents(**CALL))


def _named(client: firestore.Client, organization_id: str) -> Counter[str]:
    """Return how many jobs name each topic, by the id of the topic's record. Jobs are never removed once they
    are confirmed.
    """
    jobs = paged(client.collection("organizations", organization_id, "jobs").select(["destinations"]))
    return Counter(
        topic_reference(client, organization_id, destination["name"]).id
        for job in jobs
        for destination in fields_of(job).get("destinations", ())
        if _may_own(destination)
    )


def _may_own(destination: Mapping[str, Any]) -> bool:
    """Return whether the service owns the destination. Of an unknown kind of a newer release, it may: a topic
    that is counted too often stays, but one that is counted too rarely is deleted while a job uses it.
    """
    kind = KINDS.get(destination["type"])
    return kind is None or kind.traits(destination.get("delivery"), destination).owned


def _repair_topic(client: firestore.Client, topic: Snapshot, named: int, now: datetime) -> bool:
    """Correct the topic's record. Return whether it was wrong.

    Never lower the number of jobs: a restore cannot raise it, and a topic with too low a number is deleted.
    """
    fields = fields_of(topic)
    recorded = fields.get("jobs", 0)
    jobs = max(recorded, named)
    changes: dict[str, Any] = {} if jobs == recorded else {"jobs": jobs}
    removing = fields.get("removing")
    if removing is not None and jobs != 1:
        # The restore has put back a removal that ended. Its job must not remove the topic of the others.
        if removing["until"] > now:
            raise Busy("a topic is just being removed: run this while nothing else writes, then again")
        changes["removing"] = None
    if changes:
        option = client.write_option(last_update_time=topic.update_time)
        with reaching("the job store"):
            try:
                topic.reference.update(changes, option, **CALL)
            except FailedPrecondition as error:
                raise Busy(
                    "a topic's record changed: run this while nothing else writes, then again"
                ) from error
    return bool(changes)
