"""The largest job that the API accepts fits into a document of Firestore, whatever becomes of it."""

import uuid
from bisect import bisect
from dataclasses import replace
from functools import partial

import pytest
from google.api_core.exceptions import InvalidArgument
from google.cloud import firestore

from shared.destinations import destination
from shared.domain import transitions
from shared.domain.columns import Choice, Column, JsonKind, TableType
from shared.domain.jobs import Job
from shared.domain.sizes import MOST_BYTES, chosen_bytes, stored_bytes
from tests.contract.records import Records, in_firestore
from tests.fakes.examples import CREATED, new_attempt, new_job

pytestmark = pytest.mark.emulator

KEYS = tuple(
    Column(f"key:{number}".ljust(259, "k"), JsonKind.TEXT, "k" * 255, hidden=True, type=TableType("TEXT"))
    for number in range(10)
)


@pytest.fixture
def records(firestore_host: str, monkeypatch: pytest.MonkeyPatch) -> Records:
    monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", firestore_host)
    return in_firestore(firestore.Client(project=f"test-{uuid.uuid4().hex[:12]}"))


def wide(number: int, length: int) -> Job:
    """Return a job with this many renamed columns, and with ten destinations."""
    names = [f"{one:04d}".rjust(length, "c") for one in range(number)]
    headers = {f"X-{one}": "v" * 100 for one in range(20)}
    return new_job(
        job_name="n" * 200,
        destinations=tuple(
            destination(
                type="webhook",
                name=f"hook{one}",
                uid=f"uid{one}",
                url="https://example.com/" + "p" * 1_000,
                headers=headers,
            )
            for one in range(10)
        ),
        chosen=tuple(Choice(name, name.upper()) for name in names),
    )


def size(job: Job) -> int:
    return chosen_bytes(job.chosen) + stored_bytes([one.options for one in job.destinations])


def claimed(records: Records, job: Job) -> Job:
    columns = tuple(
        Column(choice.field, JsonKind.BOOLEAN, choice.column, type=TableType("TIMESTAMP_NTZ", 0, 9))
        for choice in job.chosen
    )
    claim = partial(
        transitions.claim,
        attempt=new_attempt(),
        previous=None,
        columns=(*columns, *KEYS),
        key_column="k" * 255,
    )
    return records.change(records.created(job), claim)


def test_the_largest_accepted_job_is_stored_from_its_beginning_to_its_end(records: Records) -> None:
    lengths = range(5, 256)
    fitting = bisect(lengths, MOST_BYTES, key=lambda length: size(wide(1_000, length)))
    largest = wide(1_000, lengths[fitting - 1])
    assert MOST_BYTES - 6_000 < size(largest) <= MOST_BYTES
    job = claimed(records, largest)
    failed = records.change(job, partial(transitions.fail, message="m" * 20_000, now=CREATED, retry=0))
    assert records.now(job) == failed


def test_a_much_larger_one_would_be_refused_by_firestore(records: Records) -> None:
    with pytest.raises(InvalidArgument, match="1048576 bytes"):
        claimed(records, replace(wide(1_000, 255), destinations=new_job().destinations))
