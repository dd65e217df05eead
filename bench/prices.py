"""Published limits and list prices for the scaling model, each with its source.

The list prices are those of the estimate, shared/domain/prices.py. Unpublished values are marked as
assumptions: replace them with your own figures.
"""

from typing import Final

from shared.domain.prices import (
    CREDIT,
    DOCUMENT_READS_100K,
    DOCUMENT_WRITES_100K,
    FETCH_BYTES,
    GIB_SECOND,
    LEAST_REQUEST_BYTES,
    MILLION_REQUESTS,
    PUBSUB_TIB,
    READS_1K,
    STORED_GIB_MONTH,
    VCPU_SECOND,
    WAREHOUSE_MINIMUM_SECONDS,
    WRITES_1K,
    XSMALL_UNLOAD_BYTES,
)

__all__ = [
    "BROKER_READ_WEIGHT",
    "BROKER_REPLICAS",
    "BROKER_UTILISATION",
    "BROKER_VCPUS",
    "BROKER_VCPU_BYTES",
    "BROKER_VCPU_HOUR",
    "CREDIT",
    "DELIVERY_DEADLINE",
    "DOCUMENT_READS_100K",
    "DOCUMENT_WRITES_100K",
    "FETCH_BYTES",
    "FUNCTION_GIB",
    "FUNCTION_VCPUS",
    "GIB_SECOND",
    "INSTANCES_BY_DEFAULT",
    "LANES_BY_DEFAULT",
    "LEAST_REQUEST_BYTES",
    "MESSAGE_BYTES",
    "MILLION_REQUESTS",
    "PUBSUB_TIB",
    "READS_1K",
    "STORED_GIB_MONTH",
    "VCPU_SECOND",
    "WAREHOUSE_MINIMUM_SECONDS",
    "WRITES_1K",
    "WRITES_AT_FIRST",
    "WRITES_TO_ONE_DOCUMENT",
    "XSMALL_UNLOAD_BYTES",
]

# The size of a delivery function.
FUNCTION_VCPUS: Final = 1
FUNCTION_GIB: Final = 1
# The quota of a new project per region; more on request: cloud.google.com/run/quotas.
INSTANCES_BY_DEFAULT: Final = 100
# The service's CHUNKS_IN_FLIGHT.
LANES_BY_DEFAULT: Final = 64
# The delivery function's own deadline, DELIVERY_DEADLINE.
DELIVERY_DEADLINE: Final = 480.0

# Sustained writes a second to one document: cloud.google.com/firestore/quotas.
WRITES_TO_ONE_DOCUMENT: Final = 1.0
# A collection's traffic begins with 500 a second and may grow by half every five minutes:
# cloud.google.com/firestore/docs/best-practices.
WRITES_AT_FIRST: Final = 500.0

MESSAGE_BYTES: Final = 300  # our message, with the billed timestamp and id

# Managed Service for Apache Kafka: docs.cloud.google.com/managed-service-for-apache-kafka, "Plan the size of
# your cluster": three replicas, reads cost a quarter of writes, half of the capacity is kept free.
BROKER_VCPU_BYTES: Final = 20e6
BROKER_REPLICAS: Final = 3
BROKER_READ_WEIGHT: Final = 0.25
BROKER_UTILISATION: Final = 0.5
BROKER_VCPU_HOUR: Final = 0.09
# Assumption: one size for all jobs, with room for a steady stream of 40 MB/s beside them.
BROKER_VCPUS: Final = 24
