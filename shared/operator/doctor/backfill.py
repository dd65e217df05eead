"""A small backfill through the whole installation, from its estimate to the rows in its topic."""

import secrets
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Any, Final

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from shared.adapters.firestore_keys import FirestoreKeys
from shared.bootstrap.clients import firestore_client, monotonic
from shared.destinations.kafka.errors import is_missing
from shared.operator.doctor.api import ANSWER, Api, Refused, TooMany
from shared.operator.doctor.checks import Check, NotAsked, Verdict, ok, verdict, wrong
from shared.operator.doctor.once import once
from shared.operator.doctor.world import World
from shared.operator.verify.command import Verify
from shared.operator.verify.statuses import EQUAL, OUT_OF_REACH

MOST_ROWS: Final = 1_000_000
_PAUSE: Final = 1.0  # seconds
_JOB: Final = 900.0
_ENDED: Final = frozenset({"completed", "failed", "cancelled"})
_SLICE: Final = "give --backfill another START and END"
_LOGS: Final = (
    "gcloud logging read 'severity>=WARNING AND resource.type=\"cloud_run_revision\"' --freshness=1h"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """``start``, ``end``: the slice, in the API's form. ``url``: the API's; empty: the installation's."""

    start: str
    end: str
    url: str
    key: str


class Backfill:
    """Steps as properties: each runs once, after the step that it needs."""

    def __init__(self, world: World, wanted: Wanted | None) -> None:
        self._world = world
        self._given = wanted
        self._name = f"doctor-{secrets.token_hex(6)}"
        # ``_began``: there may be a job. ``_job_id``: there is one.
        self._began = self._ended = False
        self._job_id: str | None = None
        if wanted is not None:
            world.secrecy.add(wanted.key)

    def checks(self) -> Sequence[Check]:
        return (
            Check("backfill.estimate", "Does the API estimate the slice?", self._estimates, _SLICE),
            Check("backfill.job", "Does a job with this slice complete?", self._completes, _LOGS),
            Check("backfill.receipt", "Does its receipt balance?", self._balances, _LOGS),
            Check("backfill.rows", "Does its topic have Snowflake's rows, each once?", self._has_rows, _LOGS),
            Check(
                "backfill.removed",
                "Is nothing left but an ended job?",
                self._is_removed,
                f"cancel the job named Doctor, and delete the topic whose name ends with {self._name}",
            ),
        )

    def close(self) -> None:
        """Cancel the job and remove the topic, if an interrupt kept the last check from doing it."""
        if self._began:
            _ = self.left

    def _estimates(self) -> Verdict:
        return ok(f"{self.rows:,} rows")

    def _completes(self) -> Verdict:
        job = self.job
        if job["status"] != "completed":
            return wrong(f"job {job['job_id']} {job['status']}: {job['error_message']}")
        return ok(f"job {job['job_id']}: {job['num_chunks']} chunks to topic {self._name}")

    def _balances(self) -> Verdict:
        receipt = self._api.ask_patiently("GET", f"/{self._completed['job_id']}/receipt")
        unloaded = receipt["unload"]["rows"]
        if not receipt["balanced"]:
            return wrong(f"of {unloaded:,} rows unloaded, the destination does not have all")
        if unloaded != self.rows:
            return wrong(f"{unloaded:,} rows were unloaded, and {self.rows:,} estimated")
        return ok(f"{unloaded:,} rows unloaded and delivered")

    def _has_rows(self) -> Verdict:
        world, job_id = self._world, self._completed["job_id"]
        settings = replace(
            world.settings,
            kafka_client=world.kafka,
            snowflake_connect=world.snowflake,
            snowflake_stage=world.snowflake_stage,
            staging_bucket=world.bucket,
        )
        status, lines = Verify(settings).run(self._organization, job_id, with_table=True, most=5)
        says = "; ".join(lines)
        if status == OUT_OF_REACH:
            raise NotAsked(says)
        return ok(says) if status == EQUAL else wrong(says)

    def _is_removed(self) -> Verdict:
        if not self._began:
            return ok("no job was created")
        return verdict(list(self.left), "the job has ended, and its topic is removed")

    @once
    def left(self) -> Sequence[str]:
        """Cancel the job unless it has ended, remove its topic, and return what may be left."""
        return [*self._cancel(), *self._remove_topic()]

    def _cancel(self) -> Iterator[str]:
        if self._ended:
            return
        if self._job_id is None:
            yield "the API did not say whether it created the job"
            return
        try:
            self._api.ask_patiently("POST", f"/{self._job_id}/cancel")
        except NotAsked as error:
            if not isinstance(error, Refused) or error.status != HTTPStatus.CONFLICT:  # it has ended
                yield f"job {self._job_id} may go on: {error}"

    def _remove_topic(self) -> Iterator[str]:
        """The service removes a cancelled job's topic itself, so it may be gone already."""
        topic = f"beam.{self._organization}.{self._name}"
        try:
            admin = AdminClient({**self._world.kafka, "log_level": 0})
            admin.delete_topics([topic], request_timeout=ANSWER)[topic].result(ANSWER)
        except KafkaException as error:
            if not is_missing(error.args[0]):
                yield f"topic {topic} may be left: Kafka: {error.args[0].str()}"
        except TimeoutError:
            yield f"topic {topic} may be left: Kafka did not answer in time"

    @once
    def rows(self) -> int:
        """Return the slice's number of rows; the slice must be small, and not empty."""
        rows = int(self._api.ask_patiently("POST", "/estimate", self._body)["rows"])
        if not 0 < rows <= MOST_ROWS:
            raise NotAsked(f"the slice has {rows:,} rows: choose one of 1 to {MOST_ROWS:,}")
        return rows

    @once
    def job(self) -> Mapping[str, Any]:
        """Return the job once it has ended."""
        _ = self.rows
        # Without these, the topic could not be removed.
        _ = self._organization, self._world.kafka
        job_id = self._created
        until = time.monotonic() + _JOB
        while (job := self._api.ask_patiently("GET", f"/{job_id}"))["status"] not in _ENDED:
            if time.monotonic() > until:
                raise NotAsked(f"job {job_id} did not end within {_JOB:g} s")
            time.sleep(_PAUSE)
        self._ended = True
        return job

    @once
    def _created(self) -> str:
        """Return the id of the new job. Its key makes it one job, however often it is asked for."""
        self._began = True
        key = {"Idempotency-Key": self._name}
        try:
            self._job_id = str(self._api.ask_patiently("POST", "", self._body, key)["job_id"])
        except (Refused, TooMany):
            self._began = False
            raise
        return self._job_id

    @property
    def _completed(self) -> Mapping[str, Any]:
        if self.job["status"] != "completed":
            raise NotAsked("backfill.job explains why: the job did not complete")
        return self.job

    @once
    def _organization(self) -> str:
        """Return the API key's organization."""
        keys = FirestoreKeys(firestore_client(self._world.settings), monotonic, self._world.now)
        caller = keys.caller(self._wanted.key)
        if caller is None:
            raise NotAsked("the API key is not in Firestore")
        return caller.organization_id

    @property
    def _wanted(self) -> Wanted:
        if self._given is None:
            raise NotAsked("give --backfill START END, and the API key in BACKFILLS_API_KEY")
        return self._given

    @property
    def _api(self) -> Api:
        return Api(self._world, self._wanted.url, self._wanted.key)

    @property
    def _body(self) -> dict[str, Any]:
        wanted = self._wanted
        return {
            "job_name": "Doctor",
            "table": self._world.table,
            "backfill_window": {
                "partition_key": "block_timestamp",
                "start": wanted.start,
                "end": wanted.end,
            },
            "destinations": [{"type": "kafka", "name": self._name}],
        }
