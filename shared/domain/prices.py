"""Published list prices, each with its source.

Prices are in US dollars, for Google Cloud in a US region (Oregon or Iowa), without free tiers and discounts.
Figures that no vendor publishes are marked as assumptions: replace them with your own.
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
FETCH_BYTES: Final = 4 << 20  # one read of the service

# Egress to the internet, premium tier, the first TiB of a month: cloud.google.com/vpc/network-pricing.
EGRESS_GIB: Final = 0.12

# Snowflake: an X-Small warehouse uses one credit an hour, each larger size doubles it, billed for at least a
# minute: docs.snowflake.com/user-guide/cost-understanding-compute. The price is Standard edition's list
# price.
CREDIT: Final = 2.0
WAREHOUSE_MINIMUM_SECONDS: Final = 60.0
# Assumption: the unload rate of an X-Small warehouse. Snowflake publishes no figure.
XSMALL_UNLOAD_BYTES: Final = 40e6
