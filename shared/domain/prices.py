"""Published list prices, each with where it is published.

US dollars, Google Cloud in a US region (Oregon or Iowa), without free tiers and discounts. What no vendor
publishes is marked as an assumption: put your own figure in its place.
"""

from typing import Final

READ_IN: Final = "2026-11"

# Cloud Run functions, request-based billing, tier 1: cloud.google.com/run/pricing.
VCPU_SECOND: Final = 0.000024
GIB_SECOND: Final = 0.0000025
MILLION_REQUESTS: Final = 0.40

# Firestore, regional: cloud.google.com/firestore/pricing.
DOCUMENT_READS_100K: Final = 0.03
DOCUMENT_WRITES_100K: Final = 0.09

# Pub/Sub: cloud.google.com/pubsub/pricing and cloud.google.com/pubsub/quotas.
PUBSUB_TIB: Final = 40.0
LEAST_REQUEST_BYTES: Final = 1000

# Cloud Storage, standard class, one region: cloud.google.com/storage/pricing.
STORED_GIB_MONTH: Final = 0.020
WRITES_1K: Final = 0.005
READS_1K: Final = 0.0004
FETCH_BYTES: Final = 4 << 20  # of one read of ours

# Out to the internet, premium tier, the first TiB of a month: cloud.google.com/vpc/network-pricing.
EGRESS_GIB: Final = 0.12

# Snowflake: an X-Small warehouse takes one credit an hour, each size twice the last, a minute at least:
# docs.snowflake.com/user-guide/cost-understanding-compute. Standard edition's list price of a credit.
CREDIT: Final = 2.0
WAREHOUSE_MINIMUM_SECONDS: Final = 60.0
# Assumption: what an X-Small warehouse unloads. Snowflake publishes no figure.
XSMALL_UNLOAD_BYTES: Final = 40e6
