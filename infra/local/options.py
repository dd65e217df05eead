"""The composition and the options of a local stack."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[2]

FUNCTIONS = ("api", "stage", "deliver", "dead_letter", "sweep")
BACKENDS = ("firestore", "pubsub", "gcs", "snowflake", "kafka")
ALL_PARTS = frozenset((*FUNCTIONS, *BACKENDS, "dispatcher"))
# The kinds of destination whose servers start only on request, each with its part.
EXTRAS = {"nats": "nats", "sns": "sns", "external_kafka": "kafka", "pubsub": "pubsub", "gcs": "gcs"}

# Real transfers make several chunks of this size, and the sample makes at least 20.
UNLOAD_FILE_BYTES = 4 * 1024 * 1024
SAMPLE_ROWS = 500_000


class OptionError(Exception):
    """An environment variable of the stack is invalid."""


@dataclass(frozen=True, kw_only=True)
class StackOptions:
    """Times are in seconds, sizes in bytes; every function gets the variables in ``environment``."""

    folder: Path = ROOT / ".stack"
    parts: frozenset[str] = ALL_PARTS
    destinations: frozenset[str] = frozenset()  # a subset of EXTRAS
    data: Path | None = None  # Parquet or CSV to load; None: the generated sample
    rows: int = SAMPLE_ROWS  # the size of the sample
    unload_file_bytes: int = UNLOAD_FILE_BYTES
    concurrency: Mapping[str, int] = field(
        default_factory=lambda: {"stage": 4, "deliver": 8, "dead_letter": 2}
    )
    ack_deadline: int = 600
    # The attempts before a message goes to the dead-letter topic; Pub/Sub allows 5 to 100. Even with the
    # smallest backoff they last longer than ten leases, so a message survives the lease of a crashed process.
    most_attempts: int = 100
    minimum_backoff: float = 1.5
    maximum_backoff: float = 10.0
    hold_while_starting: float = 10.0
    sweep_pause: float = 2.0
    ready_limit: float = 180.0
    topic_partitions: int = 6
    kafka_bootstrap: str | None = None  # an existing broker, used instead of the stack's own
    kafka_advertised_port: int | None = None  # the port for clients, such as a proxy's; None: the broker's
    optimize_kafka: bool = False  # the broker compiles its hot code with optimizations, which slows its start
    gcs_advertised_port: int | None = None  # the same for the links from which GCS's clients download
    functions_folder: Path = ROOT / "functions"
    environment: Mapping[str, str] = field(default_factory=dict)
    function_environment: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def has(self, part: str) -> bool:
        """Return whether the stack runs this part itself."""
        wanted = self.parts | {EXTRAS[kind] for kind in self.destinations}
        return part in wanted and not (part == "kafka" and self.kafka_bootstrap)


def from_environment(environment: Mapping[str, str] = os.environ) -> StackOptions:
    """Return the options from STACK_DIR, DATA, ROWS, KAFKA_BOOTSTRAP, UNLOAD_FILE_BYTES, CONCURRENCY,
    SWEEP_PAUSE and DESTINATIONS.
    """
    data = environment.get("DATA")
    if data and not Path(data).is_file():
        raise OptionError(f"DATA={data}: the file does not exist")
    concurrency = StackOptions().concurrency
    destinations = _destinations(environment.get("DESTINATIONS", ""))
    return StackOptions(
        folder=Path(environment.get("STACK_DIR") or ROOT / ".stack").absolute(),
        data=Path(data).absolute() if data else None,
        rows=_whole_number(environment, "ROWS", SAMPLE_ROWS),
        unload_file_bytes=_whole_number(environment, "UNLOAD_FILE_BYTES", UNLOAD_FILE_BYTES),
        concurrency={
            **concurrency,
            "deliver": _whole_number(environment, "CONCURRENCY", concurrency["deliver"]),
        },
        sweep_pause=float(_whole_number(environment, "SWEEP_PAUSE", 2)),
        kafka_bootstrap=environment.get("KAFKA_BOOTSTRAP") or None,
        destinations=destinations,
    )


def _destinations(text: str) -> frozenset[str]:
    names = {name.strip() for name in text.split(",") if name.strip()}
    if names == {"all"}:
        return frozenset(EXTRAS)
    # Every stack has these, so naming them is allowed.
    names -= {"kafka", "webhook"}
    if unknown := sorted(names - EXTRAS.keys()):
        raise OptionError(f"DESTINATIONS={text}: {', '.join(unknown)} is not one of {', '.join(EXTRAS)}, all")
    return frozenset(names)


def _whole_number(environment: Mapping[str, str], name: str, default: int) -> int:
    text = environment.get(name) or str(default)
    if not text.isdecimal() or int(text) == 0:
        raise OptionError(f"{name}={text}: the value must be a whole number above 0")
    return int(text)
