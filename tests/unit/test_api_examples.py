"""The answers that docs/api.md shows are those of the API, except for ids and times."""

import json
from dataclasses import replace
from typing import Any

import pytest

from infra.local import sample_rows
from infra.local.demo.expected import TABLE_COLUMNS
from infra.local.options import SAMPLE_ROWS
from infra.local.table import SEED
from shared.config import read
from shared.domain.chunks import Chunk
from shared.domain.errors import Unavailable
from shared.domain.jobs import Attempt, Counts
from shared.domain.slices import Facts
from shared.web.routes import BACKFILLS
from tests.fakes.staged import LATER, stage
from tests.fakes.web import Service
from tests.shown import block, masked

PAGE = "docs/api.md"
UNLOADED = (51_204, 49_873, 50_112, 48_594)  # rows of each chunk
BYTES_OF_A_ROW = 311
ATTEMPT = Attempt(
    "da53f7e8-1add-43f6-8a82-8e56c072701c", LATER, query_id="acd289cb-b4a7-4780-9578-30f16c0fd528"
)


def request(**changes: Any) -> dict[str, Any]:
    """Return the page's create request, with some fields changed."""
    return {**json.loads(block(PAGE, "request")), **changes}


def same(shown: str, answered: str) -> None:
    """Compare two JSON values, and the order of their fields."""
    ours, theirs = (masked(json.dumps(json.loads(text), indent=2)) for text in (shown, answered))
    assert ours == theirs


def first_rows(count: int) -> list[dict[str, Any]]:
    """Return the first rows of the local stack's sample with the request's token, as they arrive."""
    found: list[dict[str, Any]] = []
    for values in sample_rows.rows(SAMPLE_ROWS, SEED):
        row: dict[str, Any] = dict(zip(TABLE_COLUMNS, values, strict=True))
        if row["token_address"] in request()["filter"]["values"]:
            found.append({**row, "block_timestamp": row["block_timestamp"].isoformat()})
        if len(found) == count:
            break
    return found


def deliver(service: Service, chunk: int, place: int) -> None:
    (stored,) = service.jobs.stored.values()
    lease = service.deliveries.take(stored.job, chunk, stored.job.destinations[place].uid)
    assert lease is not None
    lease.done(UNLOADED[chunk], "/HBN5A==")


@pytest.fixture
def service() -> Service:
    """The requested job, with three of four chunks at Kafka and one at the webhook, which now fails."""
    service = Service()
    job_id = service.created(request())
    job = stage(service.jobs, job_id, chunks=len(UNLOADED), rows=sum(UNLOADED), attempt=ATTEMPT)
    (stored,) = service.jobs.stored.values()
    stored.job = replace(job, num_bytes=sum(UNLOADED) * BYTES_OF_A_ROW)
    service.chunks.record(
        job,
        [
            Chunk(number, f"data_{ATTEMPT.query_id}_0_{number}_0.snappy.parquet", rows * BYTES_OF_A_ROW, rows)
            for number, rows in enumerate(UNLOADED)
        ],
    )
    for chunk, place in ((0, 0), (0, 1), (1, 0), (2, 0)):
        deliver(service, chunk, place)
    stored.counts = Counts(len(UNLOADED) - 1, sum(UNLOADED[1:]))
    error = Unavailable("the receiver of webhook ledger, which answered 503,").message
    service.jobs.record_destination_error(job, job.destinations[1].uid, error, LATER)
    return service


@pytest.mark.parametrize(("mark", "rest"), [("job", ""), ("receipt", "/receipt")])
def test_what_is_shown_of_a_job_is_what_is_answered(service: Service, mark: str, rest: str) -> None:
    (_, job_id) = next(iter(service.jobs.stored))
    answer = service.call("GET", f"{BACKFILLS}/{job_id}{rest}")
    assert answer.status_code == 200
    same(block(PAGE, mark), answer.text)


def test_the_line_of_a_chunk_is_the_first_that_is_answered(service: Service) -> None:
    (_, job_id) = next(iter(service.jobs.stored))
    answer = service.call("GET", f"{BACKFILLS}/{job_id}/receipt/chunks")
    assert answer.status_code == 200
    same(block(PAGE, "receipt of a chunk"), answer.text.splitlines()[0])


def test_the_estimate_is_that_of_the_sample() -> None:
    columns = ["block_number", "log_index", "amount_str"]
    service = Service()
    rows = tuple(json.dumps({name: row[name] for name in columns}) for row in first_rows(200))
    chunk_bytes = read({"GOOGLE_CLOUD_PROJECT": "project"}).unload_file_bytes
    service.estimates.answer = Facts(sum(UNLOADED), (), rows, chunk_bytes)
    answer = service.call("POST", f"{BACKFILLS}/estimate", json=request(columns=columns))
    assert answer.status_code == 200
    same(block(PAGE, "estimate"), answer.text)


def test_the_refusal_names_both_faults() -> None:
    body = request()
    window = body["backfill_window"]
    body["backfill_window"] = {**window, "end": window["start"]}
    body["filtre"] = body.pop("filter")
    answer = Service().create(body)
    assert answer.status_code == 422
    assert len(answer.get_json()["detail"]) == 2
    same(block(PAGE, "refusal"), answer.text)


@pytest.mark.parametrize("document", [PAGE, "README.md"])
def test_the_row_is_the_samples_first(document: str) -> None:
    same(block(document, "row"), json.dumps(first_rows(1)[0]))
