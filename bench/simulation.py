"""A simulation of deliveries with the results of `make bench`: what a job of any size takes and costs."""

import heapq
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bench import prices
from shared.domain.chunks import shards_for

# The benchmark's chunk: bytes per row in Parquet, and on the wire in lz4, a thousand rows at a time.
ROW_STAGED = 164.0
ROW_SENT = 245.0


@dataclass(frozen=True, slots=True)
class Measured:
    """Service times of one function with one vCPU."""

    rows_per_second: float
    overhead_seconds: float
    publish_10k_seconds: float
    record_10k_seconds: float


@dataclass(frozen=True, slots=True)
class Plan:
    """A job and its settings; ``lanes``: its number of chunks in flight, None: all of them."""

    rows: int
    chunk_bytes: int
    instances: int
    lanes: int | None = prices.LANES_BY_DEFAULT

    @property
    def chunks(self) -> int:
        return max(1, math.ceil(self.rows * ROW_STAGED / self.chunk_bytes))

    @property
    def at_once(self) -> int:
        """Return how many instances deliver: chunks beyond the lanes are not published yet."""
        return min(self.instances, self.chunks, self.lanes or self.chunks)

    @property
    def rows_per_chunk(self) -> float:
        return self.rows / self.chunks


@dataclass(frozen=True, slots=True)
class Outcome:
    """A plan's result. ``busy``: the used share of each part's capacity."""

    delivery_seconds: float
    staging_seconds: float
    chunk_seconds: float
    busy: Mapping[str, float]
    dollars: Mapping[str, float]

    @property
    def saturated_first(self) -> str:
        return max(self.busy, key=lambda part: self.busy[part])

    def dollars_per_billion(self, rows: int) -> float:
        return sum(self.dollars.values()) / rows * 1e9


def measured_in(results: Mapping[str, Any]) -> Measured:
    """Extract the inputs. Raises KeyError with the name of a missing result of `make bench`."""
    return Measured(
        rows_per_second=results["function_rows_per_s"]["median"],
        overhead_seconds=results["overhead_ms_per_chunk"]["median"] / 1000,
        publish_10k_seconds=results["publish_10k_seconds"]["median"],
        record_10k_seconds=results["record_10k_seconds"]["median"],
    )


def broker_bytes_per_second() -> float:
    """Return the rate that the brokers accept from producers, beside one consumer of everything."""
    written = prices.BROKER_REPLICAS
    read = 1 + (prices.BROKER_REPLICAS - 1)
    weight = written + read * prices.BROKER_READ_WEIGHT
    return prices.BROKER_VCPUS * prices.BROKER_VCPU_BYTES * prices.BROKER_UTILISATION / weight


def enough_instances(measured: Measured) -> int:
    """Return how many instances saturate the brokers: more instances only wait longer, and all are billed."""
    return math.ceil(broker_bytes_per_second() / (measured.rows_per_second * ROW_SENT))


def simulate(plan: Plan, measured: Measured) -> Outcome:
    """Deliver the job's chunks, each by the first free instance; counts wait for their document."""
    instances = plan.at_once
    alone = plan.rows_per_chunk / measured.rows_per_second
    # Together they send no faster than the brokers accept.
    shared = plan.rows_per_chunk * ROW_SENT * instances / broker_bytes_per_second()
    chunk_seconds = max(alone, shared) + measured.overhead_seconds
    shards = shards_for(plan.chunks)
    ended, counting = _deliver(plan.chunks, instances, chunk_seconds, shards)
    warehouse = plan.rows * ROW_STAGED / prices.XSMALL_UNLOAD_BYTES
    staging = warehouse + plan.chunks / 10_000 * (measured.publish_10k_seconds + measured.record_10k_seconds)
    busy = {
        "function instances": plan.chunks * (alone + measured.overhead_seconds) / (instances * ended),
        "brokers": plan.rows * ROW_SENT / ended / broker_bytes_per_second(),
        "count documents": counting,
        "Firestore's first 500 writes/s": plan.chunks * _WRITES / ended / prices.WRITES_AT_FIRST,
        "the delivery's deadline": chunk_seconds / prices.DELIVERY_DEADLINE,
    }
    return Outcome(ended, staging, chunk_seconds, busy, _dollars(plan, chunk_seconds, warehouse, ended))


# Writes per chunk with one destination: its record; the lease taken, renewed, done; marker, state and count.
_WRITES = 7
_READS = 5


def _deliver(chunks: int, instances: int, seconds: float, shards: int) -> tuple[float, float]:
    """Return when the last chunk is counted, and the load of the busiest count document until then."""
    free = [0.0] * instances
    documents = [0.0] * shards
    pause = 1.0 / prices.WRITES_TO_ONE_DOCUMENT
    ended = 0.0
    for chunk in range(chunks):
        sent = heapq.heappop(free) + seconds
        shard = chunk % shards
        counted = max(sent, documents[shard])
        documents[shard] = counted + pause
        heapq.heappush(free, counted)
        ended = max(ended, counted)
    return ended, min(1.0, math.ceil(chunks / shards) * pause / ended)


def _dollars(plan: Plan, chunk_seconds: float, warehouse: float, ended: float) -> dict[str, float]:
    """Return the cost by bill; the brokers' hours count only while the job runs."""
    seconds = plan.chunks * chunk_seconds
    function = seconds * (
        prices.FUNCTION_VCPUS * prices.VCPU_SECOND + prices.FUNCTION_GIB * prices.GIB_SECOND
    )
    # Every chunk except the first of its lane has its own publish request.
    pushed = published = plan.chunks * max(prices.MESSAGE_BYTES, prices.LEAST_REQUEST_BYTES)
    gib = plan.rows * ROW_STAGED / 2**30
    fetches = plan.chunks * math.ceil(plan.rows_per_chunk * ROW_STAGED / prices.FETCH_BYTES)
    credit_hours = max(warehouse, prices.WAREHOUSE_MINIMUM_SECONDS) / 3600
    return {
        "function": function + plan.chunks / 1e6 * prices.MILLION_REQUESTS,
        "Firestore": plan.chunks
        / 1e5
        * (_WRITES * prices.DOCUMENT_WRITES_100K + _READS * prices.DOCUMENT_READS_100K),
        "Pub/Sub": (published + pushed) / 2**40 * prices.PUBSUB_TIB,
        "bucket": gib * prices.STORED_GIB_MONTH / 30
        + plan.chunks / 1e3 * prices.WRITES_1K
        + fetches / 1e3 * prices.READS_1K,
        "Snowflake": credit_hours * prices.CREDIT,
        "brokers": ended / 3600 * prices.BROKER_VCPUS * prices.BROKER_VCPU_HOUR,
    }
