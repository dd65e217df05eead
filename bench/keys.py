"""The bounds to hold and to aim for: one entry for each figure with a bound."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Key:
    """``hold`` and ``stretch`` are bounds of the median: lower bounds with ``least``, otherwise upper
    bounds. ``on_request``: `make bench` measures it only if it is named.
    """

    name: str
    what: str
    hold: float
    stretch: float
    least: bool = False
    on_request: bool = False

    def held(self, median: float) -> bool:
        return median >= self.hold if self.least else median <= self.hold

    def stretched(self, median: float) -> bool:
        return median >= self.stretch if self.least else median <= self.stretch

    @property
    def sign(self) -> str:
        return "≥" if self.least else "≤"


KEYS = (
    Key("kafka_vs_naive", "rows/s over those of the naive sender", 5.5, 7.5, least=True),
    Key("kafka_vs_ceiling", "rows/s over those of a C loop", 0.55, 0.68, least=True),
    Key("kafka_cpu_overhead", "CPU a row over its parts' alone", 1.15, 1.05),
    Key("encode_native_vs_pure", "rows/s, natively encoded over encoded in Python", 3.0, 3.5, least=True),
    Key("kafka_cpu_vs_pure", "CPU a row, natively encoded over encoded in Python", 0.65, 0.55),
    Key("kafka_two_cores_vs_one", "rows/s on both cores over one", 1.5, 1.8, least=True),
    Key("kafka_exactly_once_vs_idempotent", "rows/s over no transaction", 0.92, 0.97, least=True),
    Key("kafka_vs_spark", "rows/s exactly once over Spark's, warm", 2.3, 3.0, least=True, on_request=True),
    Key("small_chunk_at_least_once_vs_exactly_once", "rows/s, chunks of 2,000 rows", 0.90, 1.20, least=True),
    Key("rss_mib_100mb_chunk_64k_groups", "peak MiB, 100 MB chunk in groups of 65,536 rows", 200, 150),
    Key("rss_mib_100mb_chunk_one_group", "peak MiB, 100 MB chunk in one row group", 300, 250),
    Key("rss_ratio_100mb_vs_32mb", "peak with a 100 MB chunk over that with 32 MB", 1.25, 1.1),
    Key("webhook_cpu_overhead", "CPU a row over its parts' alone", 1.15, 1.05),
    Key("webhook_vs_pure", "rows/s, natively encoded over encoded in Python", 1.4, 1.8, least=True),
    Key("function_vs_library", "rows/s of the function over the library's", 0.8, 0.9, least=True),
    Key("publish_10k_vs_bare", "time for 10,000 messages over a bare loop's", 1.3, 1.1),
    Key("record_10k_vs_bare", "time for 10,000 chunk records over a bare loop's", 1.3, 1.1),
    Key("api_create_p99_vs_bare", "p99 of a POST over that of the bare calls", 2, 1.5),
    Key("import_vs_clients_api", "import of the function over its clients'", 1.25, 1.1),
    Key("import_vs_clients_stage", "import of the function over its clients'", 1.25, 1.1),
    Key("import_vs_clients_deliver", "import of the function over its clients'", 1.25, 1.15),
    Key("small_beside_large", "time of 4 chunks beside another's job of 1,240 over alone", 4, 2),
    Key("small_beside_ten_large", "time of 4 chunks beside ten such jobs over alone", 8, 4),
    Key("lanes_vs_all_at_once", "time of a large job in lanes over all at once", 1.10, 1.02),
    Key("pubsub_vs_bare", "rows/s to Pub/Sub over a bare loop's", 0.7, 0.9, least=True),
    Key("sns_vs_bare", "rows/s to SNS over a bare loop's", 0.7, 0.9, least=True),
    Key("gcs_vs_bare", "rows/s into a bucket over a bare upload's", 0.7, 0.9, least=True),
    Key("nats_vs_bare", "rows/s to NATS over a bare loop's", 0.7, 0.9, least=True),
    Key("external_kafka_vs_bare", "rows/s to a client's Kafka over a bare loop's", 0.7, 0.9, least=True),
    Key("overhead_ms_per_chunk", "p50 of ms neither fetching, encoding nor sending", 100, 40),
)  # fmt: skip
