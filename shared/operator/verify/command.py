"""``verify ORGANIZATION JOB``: connect the parts of the comparison, and print the result."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

from shared.adapters.firestore_jobs import FirestoreJobs
from shared.adapters.firestore_listings import FirestoreListings
from shared.adapters.firestore_receipts import FirestoreReceipts
from shared.adapters.snowflake import SnowflakeUnloads
from shared.bootstrap.clients import firestore_client, new_id, now, sleep
from shared.bootstrap.destinations import surroundings
from shared.bootstrap.encoder import read_rows
from shared.bootstrap.logs import report
from shared.bootstrap.staged_files import staged_files
from shared.config import Settings
from shared.destinations import KINDS
from shared.destinations.kind import Reader
from shared.domain.destination import Destination
from shared.domain.errors import BackfillError, RequestRefused, RetryLater
from shared.domain.jobs import Job
from shared.domain.receipt import require_receipt
from shared.operator.verify.compare import Comparison, Sent, Verdict, span_of
from shared.operator.verify.table import Table
from shared.steps.find import find_for_client

EQUAL, DIFFERENT, OUT_OF_REACH = 0, 1, 4


class Verify:
    """One run of the command."""

    def __init__(self, settings: Settings) -> None:
        client = firestore_client(settings)
        self._settings = settings
        self._jobs = FirestoreJobs(client, report)
        self._listings = FirestoreListings(client)
        self._receipts = FirestoreReceipts(client)
        self._surroundings = surroundings(settings)

    def run(self, organization_id: str, job_id: str, *, with_table: bool, most: int) -> tuple[int, list[str]]:
        """Return the exit status and the lines to print."""
        try:
            job = find_for_client(organization_id, job_id, jobs=self._jobs)
            require_receipt(job)
        except RequestRefused as error:
            return DIFFERENT, [error.message]
        status, lines = EQUAL, list[str]()
        for destination in job.destinations:
            kind = KINDS[destination.type]
            if kind.reader is None:
                lines.append(f"{destination}: the service cannot read it back; its owner can")
                continue
            try:
                verdict = self._verdict(
                    (job, destination), kind.reader(self._surroundings), with_table=with_table, most=most
                )
            except RetryLater as error:
                status = OUT_OF_REACH
                lines.append(f"{destination}: {error.message} ({error.detail})")
                continue
            except BackfillError as error:
                status = max(status, DIFFERENT)
                lines.append(f"{destination}: {error.message}")
                continue
            if not verdict.equal:
                status = max(status, DIFFERENT)
            lines.append(f"{destination}: {'equal' if verdict.equal else 'DIFFERENT'}: {verdict.summary}")
            lines += [f"  {line}" for line in verdict.lines]
        return status, lines

    def _verdict(self, sent: Sent, reader: Reader, *, with_table: bool, most: int) -> Verdict:
        span = span_of(sent, self._others(sent, reader), now())
        with tempfile.TemporaryDirectory(prefix="backfills-verify-") as folder:
            comparison = Comparison(reader=reader, receipts=self._receipts, most=most, folder=Path(folder))
            return comparison.rows(span, self._table()) if with_table else comparison.counts(span)

    def _others(self, sent: Sent, reader: Reader) -> Iterator[Sent]:
        """Return the organization's other jobs that sent to the same place at any time."""
        job, destination = sent
        place = reader.name_of(job.organization_id, destination)
        for other, _, _ in self._listings.jobs(job.organization_id):
            if other.job_id != job.job_id and other.num_chunks is not None:
                yield from (
                    (other, one)
                    for one in _alike(other, destination)
                    if reader.name_of(job.organization_id, one) == place
                )

    def _table(self) -> Table:
        settings = self._settings
        return Table(
            jobs=self._jobs,
            unloads=SnowflakeUnloads(
                settings.snowflake_connect,
                location_stage=settings.snowflake_stage,
                statement_timeout=settings.unload_limit,
            ),
            files=staged_files(settings),
            read_rows=read_rows(settings.encoder),
            catalog=settings.table_catalog,
            snowflake_stage=settings.snowflake_stage,
            file_bytes=settings.unload_file_bytes,
            new_id=new_id,
            now=now,
            sleep=sleep,
        )


def _alike(job: Job, destination: Destination) -> list[Destination]:
    return [one for one in job.destinations if one.type == destination.type]
