"""Who names and who created the service's Kafka topics, recorded in Firestore; the broker does the rest.

``jobs`` counts the jobs that ever named the topic, raised in the commit that records the job.
``created_by`` is written before the topic is created, ``removing`` before it is removed, each under a
precondition, so a crash between leaves a topic too many at worst, never one too few.

Nothing at the broker tells a topic from its successor of the same name, so one remover at a time is let
near it: a second could otherwise delete what the next job has created since. Who stood still for longer
than it had to begin does not delete at all.
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
"""Seconds in which a remover calls the broker, or not at all."""
ITS_OWN = 30.0
"""Seconds for which a removal is its remover's alone: longer than that and the broker's answer together."""


class FirestoreTopics:
    """Fulfils the port Topics."""

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
            # Who comes next need not wait: this one does not call the broker any more.
            self._settle(job, destination, holder, {"removing.until": self._now()})
            raise
        # Its creator stays on record: a creation still under way is taken back by a second removal.
        self._settle(job, destination, holder, {"removing": None})

    def _claim(self, job: Job, destination: Destination, holder: str) -> bool:
        """Whether the topic is this job's to remove; Busy while another removes it."""
        for _ in range(RACES):
            snapshot = self._read(job, destination)
            fields = fields_of(snapshot)
            removing = fields.get("removing")
            if removing is None:
                if fields.get("jobs") != 1 or fields.get("created_by") != job.job_id:
                    return False
            elif removing["holder"] == holder:
                # Our own claim, repeated because its answer was lost.
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
        """End one's own claim; one that was taken over is the other's to end."""
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
        """Write if the record is still as it was read."""
        option = self._client.write_option(last_update_time=snapshot.update_time)
        with reaching("the job store"):
            try:
                snapshot.reference.update(dict(changes), option, **CALL)
            except FailedPrecondition:
                return False
        return True
