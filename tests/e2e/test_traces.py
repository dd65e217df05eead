"""One job is one trace: a single tree from the request to each chunk's delivery, across Pub/Sub."""

from collections.abc import Sequence

import pytest

from infra.local import names
from tests.e2e.support.client import kafka, wait_until, webhook
from tests.e2e.support.logs import entries
from tests.e2e.support.receiver import Receiver, Reply
from tests.e2e.support.tables import Warehouse
from tests.e2e.support.watched import Watched
from tests.fakes.otlp import SpanReceived

pytestmark = pytest.mark.stack

ROWS = 3_000


def spans_of(watched: Watched, job_id: str) -> list[SpanReceived]:
    """Return all spans of the trace of the job's messages; a request that reads the job has its own trace."""
    of_messages = [span for span in watched.collector.spans if span.service != "backfills-api"]
    traces = {span.trace_id for span in of_messages if span.fields.get("job_id") == job_id}
    assert len(traces) <= 1
    return [span for trace_id in traces for span in watched.collector.of_trace(trace_id)]


def delivered_chunks(spans: Sequence[SpanReceived]) -> list[int]:
    return sorted({span.fields["chunk"] for span in spans if span.name == "deliver deliver"})


def is_whole(spans: Sequence[SpanReceived]) -> bool:
    """Return whether no span's parent is missing: a parent ends and is exported after its children."""
    ids = {span.span_id for span in spans}
    return all(span.parent in ids for span in spans if span.parent) and any(not span.parent for span in spans)


def assert_single_tree(spans: Sequence[SpanReceived]) -> SpanReceived:
    """Check that every span's ancestors are spans, up to the only root; return the root."""
    by_id = {span.span_id: span for span in spans}
    assert len(by_id) == len(spans)
    [root] = [span for span in spans if not span.parent]
    for span in spans:
        steps, above = 0, span
        while above.parent:
            above, steps = by_id[above.parent], steps + 1
            assert steps < len(spans)
        assert above is root
    return root


def test_a_jobs_trace_is_one_tree_from_the_request_to_each_chunks_delivery(watched_stack: Watched) -> None:
    table, _ = Warehouse(watched_stack.stack.endpoints).create_hashes("TRACED", ROWS)
    with Receiver() as receiver:
        job_id = watched_stack.client.create(
            table=table, destinations=[kafka("traced"), webhook("traced", receiver.url)]
        )
        job = watched_stack.client.completed(job_id)
    chunks = list(range(job["num_chunks"]))
    assert len(chunks) > 2
    wait_until(
        lambda: (
            {"stage tear_down"} <= {span.name for span in spans_of(watched_stack, job_id)}
            and delivered_chunks(spans_of(watched_stack, job_id)) == chunks
            and is_whole(spans_of(watched_stack, job_id))
        ),
        "the spans of every message",
    )
    spans = spans_of(watched_stack, job_id)
    root = assert_single_tree(spans)
    assert (root.service, root.name) == ("backfills-api", "POST /api/v1/beam/backfills")
    assert {span.service for span in spans} == {"backfills-api", "backfills-stage", "backfills-deliver"}
    # On a slow machine Pub/Sub redelivers a message, or the sweep publishes one more: both are of the tree.
    stagings = [span for span in spans if span.name == "stage stage"]
    asked_for = {span.span_id for span in stagings if span.parent == root.span_id}
    publishers = {span.parent for span in spans if span.name == "deliver deliver"}
    assert publishers <= {span.span_id for span in stagings}
    assert publishers & asked_for


def test_what_goes_on_after_a_retry_and_by_the_sweep_is_of_the_same_tree(watched_stack: Watched) -> None:
    """A retry's request has its own trace, so the messages are children of the job's root."""
    warehouse = Warehouse(watched_stack.stack.endpoints)
    table, _ = warehouse.create_hashes("TRACED_TWICE", ROWS)
    with Receiver(Reply(200), Reply(410)) as receiver, warehouse.slow_unloads(4):
        # Longer than the staging function waits, so that the sweep publishes the message for the manifest.
        job_id = watched_stack.client.create(table=table, destinations=[webhook("again", receiver.url)])
        watched_stack.client.wait_for(job_id, "failed")
        assert watched_stack.client.call("POST", f"/{job_id}/retry").status == 200
        job = watched_stack.client.completed(job_id)
    chunks = list(range(job["num_chunks"]))

    def stagings(spans: Sequence[SpanReceived]) -> list[SpanReceived]:
        """Return the stagings that a request, its retry or the sweep published."""
        roots = {span.span_id for span in spans if not span.parent}
        return [span for span in spans if span.name == "stage stage" and span.parent in roots]

    def all_there() -> bool:
        spans = spans_of(watched_stack, job_id)
        return delivered_chunks(spans) == chunks and is_whole(spans) and len(stagings(spans)) >= 3

    wait_until(all_there, "the spans of every chunk and of three stagings")
    assert_single_tree(spans_of(watched_stack, job_id))


def test_one_query_tells_a_jobs_story(watched_stack: Watched) -> None:
    """Every function's entries carry the job's id and its trace, and include the events."""
    table, _ = Warehouse(watched_stack.stack.endpoints).create_hashes("TOLD", ROWS)
    job_id = watched_stack.client.create(table=table, destinations=[kafka("told")])
    job = watched_stack.client.completed(job_id)
    endpoints = watched_stack.stack.endpoints

    def story() -> list[dict[str, object]]:
        found = [entry for name in ("api", "stage", "deliver") for entry in entries(endpoints, name)]
        return [entry for entry in found if entry.get("job_id") == job_id]

    def told(event: str) -> list[dict[str, object]]:
        return [entry for entry in story() if entry.get("event") == event]

    wait_until(
        lambda: (
            told("job_ended")
            and len({entry["chunk"] for entry in told("chunk_delivered")}) >= job["num_chunks"]
        ),
        "the job's end and its chunks in the log",
    )
    [created], [ended] = told("job_created"), told("job_ended")
    assert (created["audit"], created["organization_id"]) == (True, names.ORGANIZATION)
    # A redelivered message repeats these two events.
    assert {entry["state"] for entry in told("unload_ended")} == {"succeeded"}
    assert ended["status"] == "completed"
    delivered = told("chunk_delivered")
    assert {entry["chunk"] for entry in delivered} == set(range(job["num_chunks"]))
    assert all({"attempt_id", "retry", "tried", "destination_type"} <= entry.keys() for entry in delivered)
    of_messages = [entry for entry in story() if "message_id" in entry or entry.get("event") == "job_created"]
    assert len({entry["logging.googleapis.com/trace"] for entry in of_messages}) == 1
