"""The shapes of the queries that the service asks Firestore, taken from what its adapters really send.

Each adapter is called against a server of ours that answers every query with nothing and remembers it. The
emulator would not do: it answers any query, with or without an index.
"""

import ast
import functools
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any
from unittest import mock

import grpc
from google.cloud import firestore
from google.cloud.firestore_v1 import types
from google.cloud.firestore_v1.types import StructuredQuery

from infra.offline.build import ROOT
from shared.adapters.firestore_chunks import FirestoreChunks
from shared.adapters.firestore_deliveries import FirestoreDeliveries
from shared.adapters.firestore_jobs import FirestoreJobs
from shared.adapters.firestore_limits import recount
from shared.adapters.firestore_listings import FirestoreListings
from shared.adapters.firestore_receipts import FirestoreReceipts
from shared.adapters.firestore_retention import FirestoreRetention
from shared.domain.jobs import Attempt, Job, JobStatus
from shared.operator import keys
from tests.fakes.examples import new_job

_SERVICE = "google.firestore.v1.Firestore"
_DOCUMENT_NAME = "__name__"
_ASCENDING = "ASCENDING"

Ordered = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Shape:
    """``equal``: the fields that are compared for equality; ``summed`` those of an aggregation.

    ``order``: those that the answer is ordered by, each with its direction.
    """

    scope: str
    collection: str
    equal: tuple[str, ...] = ()
    order: tuple[Ordered, ...] = ()
    summed: tuple[str, ...] = ()

    def fields(self) -> set[str]:
        return {*self.equal, *(field for field, _ in self.order), *self.summed}


@dataclass(frozen=True, slots=True)
class Indexes:
    """Return (scope, collection, field) and (scope, collection, fields with their directions)."""

    single: set[tuple[str, str, str]]
    composite: set[tuple[str, str, tuple[Ordered, ...]]]


def ask_everything(client: firestore.Client) -> None:
    """Call whatever in the adapters asks a query. A new query that is not called here is noticed: its
    fields stand in the adapters' source and in no recorded shape.
    """
    now = datetime(2026, 3, 1, tzinfo=UTC)
    job: Job = replace(new_job(), attempt=Attempt("a1", now), num_chunks=1, shards=1)
    jobs, listings = (
        FirestoreJobs(client, lambda _event: None),
        FirestoreListings(client, lambda _event: None),
    )
    chunks, receipts = FirestoreChunks(client, jobs), FirestoreReceipts(client)
    deliveries = FirestoreDeliveries(client, lease_length=15, now=lambda: now, new_holder=lambda: "holder")
    calls: Sequence[Callable[[], Any]] = (
        lambda: list(jobs.active()),
        lambda: list(listings.jobs(job.organization_id)),
        lambda: list(listings.jobs(job.organization_id, after=(now, job.job_id), limit=5)),
        lambda: list(listings.jobs(job.organization_id, newest_first=True)),
        lambda: list(listings.jobs(job.organization_id, statuses=list(JobStatus))),
        lambda: list(listings.jobs(job.organization_id, statuses=[JobStatus.FAILED], newest_first=True)),
        lambda: listings.destinations(job),
        lambda: list(chunks.undelivered(job)),
        lambda: list(chunks.undelivered(job, 3)),
        lambda: jobs.rows_done(job),
        lambda: jobs.unequal_chunk(job, "d1"),
        lambda: list(receipts.chunks(job)),
        lambda: list(receipts.chunks(job, 3)),
        lambda: receipts.left_out(job),
        lambda: jobs.transporting(job.organization_id, 5),
        lambda: deliveries.begun(job),
        lambda: deliveries.oldest(job, {"d1"}),
        lambda: deliveries.ever_begun(job, 3),
        lambda: deliveries.leased(job),
        lambda: deliveries.leased(job, 3),
        lambda: FirestoreRetention(client, lambda _event: None).due(now, 5),
        lambda: recount(client, job.organization_id),
        lambda: keys.issued(client, job.organization_id),
    )
    for call in calls:
        call()


@functools.cache
def recorded() -> frozenset[Shape]:
    """Return all shapes of the service's queries."""
    shapes: set[Shape] = set()
    server = grpc.server(ThreadPoolExecutor())
    server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler(_SERVICE, _handlers(shapes.add))])
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        with mock.patch.dict(os.environ, {"FIRESTORE_EMULATOR_HOST": f"127.0.0.1:{port}"}):
            client = firestore.Client(project="shapes")
            ask_everything(client)
            client.close()  # type: ignore[no-untyped-call]
    finally:
        server.stop(grace=None).wait()
    return frozenset(shapes)


def needed() -> Indexes:
    """The indexes without which Firestore would refuse one of the queries.

    Equalities alone are answered by merging the fields' own indexes; an order over several fields, an order
    beside an equality, and a sum need an index made for them.
    """
    indexes = Indexes(set(), set())
    for shape in recorded():
        if shape.summed or len(shape.order) > 1 or (shape.order and shape.equal):
            equal, summed = ([(field, _ASCENDING) for field in some] for some in (shape.equal, shape.summed))
            indexes.composite.add((shape.scope, shape.collection, (*equal, *shape.order, *summed)))
        else:
            indexes.single.update((shape.scope, shape.collection, field) for field in shape.fields())
    return indexes


def fields_in_source() -> set[str]:
    """Return every field that a query in shared/ names."""
    named: set[str] = set()
    for file in (ROOT / "shared").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
                function = node.func
                name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
                if name in {"FieldFilter", "order_by", "sum", "avg"}:
                    named.add(str(node.args[0].value))
    return named - {_DOCUMENT_NAME}


def _handlers(record: Callable[[Shape], None]) -> dict[str, grpc.RpcMethodHandler]:
    def run(request: Any, _context: Any) -> Iterator[Any]:
        record(_shape(request.structured_query))
        yield types.RunQueryResponse.pb(types.RunQueryResponse(read_time=datetime.now(UTC)))

    def aggregate(request: Any, _context: Any) -> Iterator[Any]:
        query = request.structured_aggregation_query
        summed = [one.sum.field.field_path for one in query.aggregations if one.sum.field.field_path]
        record(replace(_shape(query.structured_query), summed=tuple(summed)))
        nothing = {one.alias: types.Value(integer_value=0) for one in query.aggregations}
        result = types.AggregationResult(aggregate_fields=nothing)
        yield types.RunAggregationQueryResponse.pb(
            types.RunAggregationQueryResponse(result=result, read_time=datetime.now(UTC))
        )

    def get(request: Any, _context: Any) -> Iterator[Any]:
        for name in request.documents:
            yield types.BatchGetDocumentsResponse.pb(
                types.BatchGetDocumentsResponse(missing=name, read_time=datetime.now(UTC))
            )

    answers: dict[str, tuple[Any, Any]] = {
        "RunQuery": (run, types.RunQueryRequest),
        "RunAggregationQuery": (aggregate, types.RunAggregationQueryRequest),
        "BatchGetDocuments": (get, types.BatchGetDocumentsRequest),
    }
    return {
        name: grpc.unary_stream_rpc_method_handler(
            answer,
            request_deserializer=request.pb(request()).FromString,
            response_serializer=lambda message: message.SerializeToString(),
        )
        for name, (answer, request) in answers.items()
    }


def _shape(query: Any) -> Shape:
    (source,) = query.from_
    return Shape(
        "COLLECTION_GROUP" if source.all_descendants else "COLLECTION",
        source.collection_id,
        equal=tuple(_equal(query.where, {order.field.field_path for order in query.order_by})),
        order=tuple(
            (order.field.field_path, StructuredQuery.Direction(order.direction).name)
            for order in query.order_by
            if order.field.field_path != _DOCUMENT_NAME
        ),
    )


def _equal(condition: Any, ordered: set[str]) -> Iterator[str]:
    if condition.HasField("composite_filter"):
        for inner in condition.composite_filter.filters:
            yield from _equal(inner, ordered)
    elif condition.HasField("field_filter") and condition.field_filter.field.field_path != _DOCUMENT_NAME:
        operator = condition.field_filter.op
        equal = {StructuredQuery.FieldFilter.Operator.EQUAL, StructuredQuery.FieldFilter.Operator.IN}
        field = condition.field_filter.field.field_path
        if operator in equal:
            yield field
        else:
            assert field in ordered, "a range needs an index of its own: teach needed() about it"
