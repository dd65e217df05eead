"""Records in Firestore of the service's Kafka topics: which jobs name a topic, and which one created it.

``jobs`` counts the jobs that ever named the topic. The commit that records a job also increments it.
``created_by`` is written before the topic is created, and ``removing`` before it is deleted, each with a
precondition. A crash in between may therefore leave an unused topic, but never deletes a used one.

A broker cannot distinguish a topic from its successor of the same name, so only one process at a time may
delete a topic. Otherwise a second process could delete the topic that the next job has created. A process
that was suspended for longer than ``BEGINS_WITHIN`` does not delete at all.
"""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from google.api_core.exceptions import FailedPrecondition
from google.cloud import firestore

from shared.adapters.firestore_documents import CALL, RACES, fields_of, topic_reference
from shared.adapters.google_errors import reaching
from shared.destinations.kind import Estate
from shared.domain.destination import Destination
from shared.domain.errors import BackfillError, Busy, Unavailable
from shared.domain.jobs import Job
from shared.steps.ports import Clock

BEGINS_WITHIN = 10.0
"""Seconds within which a remover calls the broker, or not at all."""
ITS_OWN = 30.0
"""Seconds of a remover's exclusive claim: longer than ``BEGINS_WITHIN`` and the broker's answer together."""


class FirestoreTopics:
    """Implements the port Topics."""

    def __init__(
        self,
        client: firestore.Client,
        broker: Estate,
        *,
        now: Clock,
        monotonic: Callable[[], float],
        new_holder: Callable[[], str],
    ) -> None:
        self._client = client
        self._broker = broker
        self._now = now
        self._monotonic = monotonic
        self._new_holder = new_holder

    def ensure(self, job: Job, destination: Destination) -> None:
        topic = self._broker.name_of(job.organization_id, destination)
        snapshot = self._read(job, destination)
        if fields_of(snapshot).get("removing"):
            raise Busy(f"topic {topic} is just being removed", detail=job.job_id)
        if self._broker.exists(topic):
            return
        if not self._write(snapshot, {"created_by": job.job_id}):
            raise Busy(f"topic {topic} is just being created", detail=job.job_id)
        self._broker.create(topic)

    def remove(self, job: Job, destination: Destination) -> None:
        holder, until = self._new_holder(), self._monotonic() + BEGINS_WITHIN
        if not self._claim(job, destination, holder):
            return
        try:
            self._broker.delete(self._broker.name_of(job.organization_id, destination), until)
        except BackfillError:
            # This process does not call the broker any more, so the next remover need not wait.
            self._settle(job, destination, holder, {"removing.until": self._now()})
            raise
        # The creator stays recorded: if its creation is still in progress, a second removal undoes it.
        self._settle(job, destination, holder, {"removing": None})

    def _claim(self, job: Job, destination: Destination, holder: str) -> bool:
        """Return whether this job may remove the topic. Raises Busy while another process removes it."""
        for _ in range(RACES):
            snapshot = self._read(job, destination)
            fields = fields_of(snapshot)
            removing = fields.get("removing")
            if removing is None:
                if fields.get("jobs") != 1 or fields.get("created_by") != job.job_id:
                    return False
            elif removing["holder"] == holder:
                # This is our own claim, retried because its answer was lost.
                return True
            elif removing["job_id"] != job.job_id:
                return False
            elif removing["until"] > self._now():
                raise Busy("the topic is just being removed", detail=job.job_id)
            until = self._now() + timedelta(seconds=ITS_OWN)
            claim = {"job_id": job.job_id, "holder": holder, "until": until}
            if self._write(snapshot, {"removing": claim}):
                return True
        raise Unavailable("the job store", detail="the topic's record kept changing")

    def _settle(self, job: Job, destination: Destination, holder: str, changes: Mapping[str, Any]) -> None:
        """End our own claim. If another process took the claim over, leave it unchanged."""
        for _ in range(RACES):
            snapshot = self._read(job, destination)
            removing = fields_of(snapshot).get("removing")
            if removing is None or removing["holder"] != holder or self._write(snapshot, changes):
                return
        raise Unavailable("the job store", detail="the topic's record kept changing")

    def _read(self, job: Job, destination: Destination) -> firestore.DocumentSnapshot[Any]:
        with reaching("the job store"):
            reference = topic_reference(self._client, job.organization_id, destination.name)
            return reference.get(**CALL)

    def _write(self, snapshot: firestore.DocumentSnapshot[Any], changes: Mapping[str, Any]) -> bool:
        """Write if the record has not changed since it was read."""
        option = self._client.write_option(last_update_time=snapshot.update_time)
        with reaching("the job store"):
            try:
                snapshot.reference.update(dict(changes), option, **CALL)
            except FailedPrecondition:
                return False
        return True
