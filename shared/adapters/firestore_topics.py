"""Who names and who created the service's Kafka topics, recorded in Firestore; the broker does the rest.

``jobs`` counts the jobs that ever named the topic, raised in the commit that records the job.
``created_by`` is written before the topic is created, ``removing`` before it is removed, each under a
precondition, so a crash between leaves a topic too many at worst, never one too few.
"""

from typing import Any, Protocol

from google.api_core.exceptions import FailedPrecondition
from google.cloud import firestore

from shared.adapters.firestore_documents import RETRY, TIMEOUT, fields_of, topic_reference
from shared.adapters.google_errors import reaching
from shared.errors import Busy
from shared.jobs import Job, KafkaDestination, topic_name


class Broker(Protocol):
    """What is asked of Kafka."""

    def exists(self, topic: str) -> bool: ...

    def create(self, topic: str) -> bool:
        """Have the topic; True if it was not there before."""
        ...

    def delete(self, topic: str) -> None:
        """Remove the topic; one that is gone already is no error."""
        ...


class FirestoreTopics:
    """Fulfils the port Topics."""

    def __init__(self, client: firestore.Client, broker: Broker) -> None:
        self._client = client
        self._broker = broker

    def ensure(self, job: Job, destination: KafkaDestination) -> None:
        topic = topic_name(job.organization_id, destination.name)
        snapshot = self._read(job, destination)
        if fields_of(snapshot).get("removing"):
            raise Busy(f"topic {topic} is just being removed", detail=job.job_id)
        if self._broker.exists(topic):
            return
        if not self._write(snapshot, {"created_by": job.job_id}):
            raise Busy(f"topic {topic} is just being created", detail=job.job_id)
        self._broker.create(topic)

    def remove(self, job: Job, destination: KafkaDestination) -> None:
        snapshot = self._read(job, destination)
        fields = fields_of(snapshot)
        if fields.get("jobs") != 1 or fields.get("created_by") != job.job_id:
            if fields.get("removing") != job.job_id:
                return
        elif not self._write(snapshot, {"removing": job.job_id}):
            raise Busy("the topic's record has just changed", detail=job.job_id)
        self._broker.delete(topic_name(job.organization_id, destination.name))
        with reaching("the job store"):
            # Its creator stays on record: a creation still under way is taken back by a second removal.
            snapshot.reference.update({"removing": None}, retry=RETRY, timeout=TIMEOUT)

    def _read(self, job: Job, destination: KafkaDestination) -> firestore.DocumentSnapshot[Any]:
        with reaching("the job store"):
            reference = topic_reference(self._client, job.organization_id, destination.name)
            return reference.get(retry=RETRY, timeout=TIMEOUT)

    def _write(self, snapshot: firestore.DocumentSnapshot[Any], changes: dict[str, Any]) -> bool:
        """Write if the record is still as it was read."""
        option = self._client.write_option(last_update_time=snapshot.update_time)
        with reaching("the job store"):
            try:
                snapshot.reference.update(changes, option, retry=RETRY, timeout=TIMEOUT)
            except FailedPrecondition:
                return False
        return True
