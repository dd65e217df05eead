"""Published limits and list prices that the scaling model uses, each with where it is published.

US dollars, Google Cloud in a US region (Oregon or Iowa), without free tiers and discounts; read in
November 2026. What no vendor publishes is marked as an assumption: put your own figure in its place.
"""

from typing import Final

# Cloud Run functions, request-based billing, tier 1: cloud.google.com/run/pricing.
VCPU_SECOND: Final = 0.000024
GIB_SECOND: Final = 0.0000025
MILLION_REQUESTS: Final = 0.40
FUNCTION_VCPUS: Final = 1
FUNCTION_GIB: Final = 1
# Of a new project in a region; more on request: cloud.google.com/run/quotas.
INSTANCES_BY_DEFAULT: Final = 100
# The service's CHUNKS_IN_FLIGHT.
LANES_BY_DEFAULT: Final = 64
# The delivery function's own deadline, DELIVERY_DEADLINE.
DELIVERY_DEADLINE: Final = 480.0

# Firestore, regional: cloud.google.com/firestore/pricing.
DOCUMENT_READS_100K: Final = 0.03
DOCUMENT_WRITES_100K: Final = 0.09
# Sustained writes a second to one document: cloud.google.com/firestore/quotas.
WRITES_TO_ONE_DOCUMENT: Final = 1.0
# A collection's traffic begins with 500 a second and may grow by half every five minutes:
# cloud.google.com/firestore/docs/best-practices.
WRITES_AT_FIRST: Final = 500.0

# Pub/Sub: cloud.google.com/pubsub/pricing and cloud.google.com/pubsub/quotas.
PUBSUB_TIB: Final = 40.0
LEAST_REQUEST_BYTES: Final = 1000
MESSAGE_BYTES: Final = 300  # ours, with the timestamp and id that are billed

# Cloud Storage, standard class, one region: cloud.google.com/storage/pricing.
STORED_GIB_MONTH: Final = 0.020
WRITES_1K: Final = 0.005
READS_1K: Final = 0.0004
FETCH_BYTES: Final = 4 << 20  # of one read of ours

# Snowflake: an X-Small warehouse takes one credit an hour, each size twice the last, a minute at least:
# docs.snowflake.com/user-guide/cost-understanding-compute. Standard edition's list price of a credit.
CREDIT: Final = 2.0
WAREHOUSE_MINIMUM_SECONDS: Final = 60.0
# Assumption: what an X-Small warehouse unloads. Snowflake publishes no figure.
XSMALL_UNLOAD_BYTES: Final = 40e6

# Managed Service for Apache Kafka: docs.cloud.google.com/managed-service-for-apache-kafka, "Plan the size of
# your cluster": three replicas, reads cost a quarter of writes, half of the capacity is kept free.
BROKER_VCPU_BYTES: Final = 20e6
BROKER_REPLICAS: Final = 3
BROKER_READ_WEIGHT: Final = 0.25
BROKER_UTILISATION: Final = 0.5
BROKER_VCPU_HOUR: Final = 0.09
# Assumption: the same size for all jobs, large enough for a steady stream of 40 MB/s beside them.
BROKER_VCPUS: Final = 24
