"""``verify ORGANIZATION JOB``: connect the parts of the comparison, and print the result."""

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from google.api_core.exceptions import GoogleAPIError
from google.auth.exceptions import GoogleAuthError

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
from shared.destinations.kind import PlaceMissing, Reader
from shared.destinations.surroundings import Surroundings
from shared.domain.destination import Destination
from shared.domain.errors import BackfillError, JobUnknown, RetryLater, StateConflict
from shared.domain.jobs import Job
from shared.domain.receipt import require_receipt
from shared.operator.verify.compare import Comparison, Outcome, Verdict
from shared.operator.verify.spans import Sent, Span, span_of
from shared.operator.verify.statuses import DIFFERENT, EQUAL, NOT_COMPARED, OUT_OF_REACH, WRONG_USAGE
from shared.operator.verify.table import Table
from shared.steps.find import find_for_client

_STATUSES = {Outcome.EQUAL: EQUAL, Outcome.DIFFERENT: DIFFERENT, Outcome.UNSURE: OUT_OF_REACH}


class Verify:
    """One run of the command."""

    def __init__(self, settings: Settings) -> None:
        client = firestore_client(settings)
        self._settings = settings
        self._jobs = FirestoreJobs(client, report)
        self._listings = FirestoreListings(client, report)
        self._receipts = FirestoreReceipts(client)
        self._surroundings = surroundings(settings)

    def run(self, organization_id: str, job_id: str, *, with_table: bool, most: int) -> tuple[int, list[str]]:
        """Return the exit status and the lines to print. Raises RetryLater if Firestore does not answer."""
        try:
            job = find_for_client(organization_id, job_id, jobs=self._jobs)
            require_receipt(job)
        except JobUnknown as error:
            return WRONG_USAGE, [error.message]
        except StateConflict as error:
            return NOT_COMPARED, [error.message]
        statuses, lines = set[int](), list[str]()
        for destination in job.destinations:
            reader = KINDS[destination.type].reader
            if reader is None:
                lines.append(f"{destination}: the service cannot read it back; its owner can")
                continue
            left: list[str] = []
            table = self._table(left.append) if with_table else None
            status, told = self._compare((job, destination), reader, table, most)
            statuses.add(status)
            lines += told + left
        if not statuses:
            return NOT_COMPARED, [*lines, "nothing was compared: the job has no destination to read back"]
        # A proven difference stays one, whatever could not be asked.
        return DIFFERENT if DIFFERENT in statuses else max(statuses), lines

    def _compare(
        self, sent: Sent, reader: Callable[[Surroundings], Reader], table: Table | None, most: int
    ) -> tuple[int, list[str]]:
        _, destination = sent
        try:
            verdict = self._verdict(sent, reader(self._surroundings), table, most)
        except PlaceMissing as error:
            return DIFFERENT, [f"{destination}: {error}"]
        except BackfillError as error:
            detail = f" ({error.detail})" if error.detail else ""
            return OUT_OF_REACH, [f"{destination}: {error.message}{detail}"]
        except (GoogleAPIError, GoogleAuthError, OSError) as error:
            return OUT_OF_REACH, [f"{destination}: {type(error).__name__}: {error}"]
        told = f"{destination}: {verdict.outcome}: {verdict.summary}"
        return _STATUSES[verdict.outcome], [told, *(f"  {line}" for line in verdict.lines)]

    def _verdict(self, sent: Sent, reader: Reader, table: Table | None, most: int) -> Verdict:
        with tempfile.TemporaryDirectory(prefix="backfills-verify-") as folder:
            comparison = Comparison(
                reader=reader,
                receipts=self._receipts,
                look_again=lambda: self._span(self._now(sent), reader),
                most=most,
                folder=Path(folder),
            )
            span = self._span(sent, reader)
            return comparison.counts(span) if table is None else comparison.rows(span, table)

    def _span(self, sent: Sent, reader: Reader) -> Span:
        return span_of(sent, self._others(sent, reader), now())

    def _now(self, sent: Sent) -> Sent:
        job, destination = sent
        return find_for_client(job.organization_id, job.job_id, jobs=self._jobs), destination

    def _others(self, sent: Sent, reader: Reader) -> Iterator[Sent]:
        """Return the job's other destinations at the same place, and the organization's other jobs that sent
        there at any time.
        """
        job, destination = sent
        yield from ((job, one) for one in job.destinations if self._is_shared(sent, reader, one))
        place = reader.name_of(job.organization_id, destination)
        for other, _, _ in self._listings.jobs(job.organization_id):
            if other.job_id != job.job_id and other.num_chunks is not None:
                yield from (
                    (other, one)
                    for one in _alike(other, destination)
                    if reader.name_of(job.organization_id, one) == place
                )

    def _is_shared(self, sent: Sent, reader: Reader, other: Destination) -> bool:
        """Return whether another destination of the job, perhaps of another kind, has the same place."""
        job, destination = sent
        reader_of = KINDS[other.type].reader
        if other.uid == destination.uid or reader_of is None:
            return False
        theirs, at = reader_of(self._surroundings), job.organization_id
        if theirs.local_name_of(at, other) != reader.local_name_of(at, destination):
            return False
        owner = reader.owner_of(at, destination)
        try:
            return theirs.owner_of(at, other) == owner
        except BackfillError as error:
            text = f"whether {other} has the same place could not be found out: {error.message}"
            raise RetryLater(text, detail=error.detail) from error

    def _table(self, tell: Callable[[str], object]) -> Table:
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
            tell=tell,
        )


def _alike(job: Job, destination: Destination) -> list[Destination]:
    return [one for one in job.destinations if one.type == destination.type]
