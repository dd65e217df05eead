"""A small backfill through the whole installation, from its estimate to the rows in its topic."""

import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import requests
from confluent_kafka.admin import AdminClient

from shared.adapters.firestore_keys import FirestoreKeys
from shared.bootstrap.clients import firestore_client, monotonic
from shared.operator.doctor.checks import Check, NotAsked, Verdict, ok, wrong
from shared.operator.doctor.once import once, was_asked
from shared.operator.doctor.world import World
from shared.operator.verify.command import Verify
from shared.operator.verify.statuses import EQUAL, OUT_OF_REACH

MOST_ROWS: Final = 1_000_000
_ANSWER: Final = 60.0  # seconds
_PAUSE: Final = 1.0
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
        if wanted is not None:
            world.secrecy.add(wanted.key)

    def checks(self) -> Sequence[Check]:
        return (
            Check("backfill.estimate", "Does the API estimate the slice?", self._estimates, _SLICE),
            Check("backfill.job", "Does a job with this slice complete?", self._completes, _LOGS),
            Check("backfill.receipt", "Does its receipt balance?", self._balances, _LOGS),
            Check("backfill.rows", "Does its topic have Snowflake's rows, each once?", self._has_rows, _LOGS),
        )

    def close(self) -> None:
        """Remove the topic."""
        if was_asked(self, "job"):
            topic = f"beam.{self._organization}.{self._name}"
            admin = AdminClient({**self._world.kafka, "log_level": 0})
            admin.delete_topics([topic], request_timeout=_ANSWER)[topic].result(_ANSWER)

    def _estimates(self) -> Verdict:
        return ok(f"{self.rows:,} rows")

    def _completes(self) -> Verdict:
        job = self.job
        if job["status"] != "completed":
            return wrong(f"job {job['job_id']} {job['status']}: {job['error_message']}")
        return ok(f"job {job['job_id']}: {job['num_chunks']} chunks to topic {self._name}")

    def _balances(self) -> Verdict:
        receipt = self._ask("GET", f"/{self._completed['job_id']}/receipt")
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

    @once
    def rows(self) -> int:
        """Return the slice's number of rows; the slice must be small, and not empty."""
        rows = int(self._ask("POST", "/estimate", self._body)["rows"])
        if not 0 < rows <= MOST_ROWS:
            raise NotAsked(f"the slice has {rows:,} rows: choose one of 1 to {MOST_ROWS:,}")
        return rows

    @once
    def job(self) -> Mapping[str, Any]:
        """Return the job once it has ended."""
        _ = self.rows
        created = self._ask("POST", "", self._body, {"Idempotency-Key": self._name})
        until = time.monotonic() + _JOB
        while (job := self._ask("GET", f"/{created['job_id']}"))["status"] not in _ENDED:
            if time.monotonic() > until:
                self._ask("POST", f"/{created['job_id']}/cancel")
                raise NotAsked(f"job {created['job_id']} did not end within {_JOB:g} s, and was cancelled")
            time.sleep(_PAUSE)
        return job

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

    def _ask(
        self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None
    ) -> dict[str, Any]:
        url = self._wanted.url or self._world.installation.urls["api"]
        answer = requests.request(
            method,
            f"{url}/api/v1/beam/backfills{path}",
            json=body,
            headers={"X-API-Key": self._wanted.key, **(headers or {})},
            timeout=_ANSWER,
            allow_redirects=False,
        )
        if not answer.ok:
            raise NotAsked(f"{method} {url}/…{path} answers {answer.status_code}: {answer.text[:300]}")
        found: dict[str, Any] = answer.json()
        return found
