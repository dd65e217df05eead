"""Terraform's settings for every installation, in one table. A test compares it with infra/."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

DATABASE: Final = "(default)"
BACKUP_SECONDS: Final = 14 * 86_400
# Collections of which only the fields below are indexed.
UNINDEXED: Final = frozenset(
    {"chunks", "counts", "deliveries", "delivered", "destinations", "filter", "idempotency_keys", "jobs"}
    | {"rates", "topics"}
)
# Collection and field, and the code that queries it.
SINGLE: Final[Mapping[str, str]] = {
    "chunks.delivered": "COLLECTION",
    "deliveries.chunk": "COLLECTION",
    "deliveries.skips": "COLLECTION",
    "deliveries.state": "COLLECTION",
    "jobs.records_until": "COLLECTION_GROUP",
    "jobs.status": "COLLECTION",
    "jobs.torn_down": "COLLECTION_GROUP",
}
# A field that begins with a minus descends.
COMPOSITE: Final = frozenset(
    {
        ("jobs", ("time_created", "job_id")),
        ("jobs", ("-time_created", "-job_id")),
        ("jobs", ("status", "time_created", "job_id")),
        ("jobs", ("status", "-time_created", "-job_id")),
        ("deliveries", ("destination", "state", "rows")),
    }
)
EXPIRES: Final = ("idempotency_keys", "expires")

DEAD_LETTERS: Final = "backfills-dead-letter"
# A subscription has its topic's name; it pushes to the function.
SUBSCRIPTIONS: Final[Mapping[str, str]] = {
    "backfills-stage": "stage",
    "backfills-chunks": "deliver",
    "backfills-chunks-static": "deliver-static",
    DEAD_LETTERS: "dead-letter",
}
PUBLISHERS: Final[Mapping[str, frozenset[str]]] = {
    "backfills-stage": frozenset({"api", "stage", "deliver", "deliver-static", "dead-letter", "sweep"}),
    "backfills-chunks": frozenset({"stage", "deliver"}),
    "backfills-chunks-static": frozenset({"stage", "deliver-static"}),
}
ACK_SECONDS: Final = 600
RETENTION_SECONDS: Final = 604_800
BACKOFF_SECONDS: Final = (2, 600)
MOST_ATTEMPTS: Final = 100

UNFINISHED_UPLOADS_DAYS: Final = 1
UNLOAD_ROLE: Final = "backfillsUnloadWriter"
REMOVER_ROLE: Final = "backfillsStagedFilesRemover"

SECRET_READERS: Final[Mapping[str, frozenset[str]]] = {
    "kafka": frozenset({"stage", "deliver", "deliver-static"}),
    "snowflake": frozenset({"stage", "sweep"}),
}
# A secret only of installations whose schema registry wants credentials.
REGISTRY: Final = "registry"
REGISTRY_READERS: Final = frozenset({"stage", "deliver", "deliver-static"})
SECRET_VARIABLES: Final[Mapping[str, str]] = {
    "kafka": "KAFKA_CLIENT",
    "snowflake": "SNOWFLAKE_CONNECT",
    REGISTRY: "SCHEMA_REGISTRY_CREDENTIALS",
}


def secret_readers(versions: Mapping[str, str]) -> dict[str, frozenset[str]]:
    """Return the readers of each secret of an installation; ``versions``: those that Terraform names."""
    return {**SECRET_READERS, **({REGISTRY: REGISTRY_READERS} if REGISTRY in versions else {})}


@dataclass(frozen=True, slots=True, kw_only=True)
class Function:
    """``most`` None: the environment sets it. ``caller`` is a service account's short name."""

    bundle: str
    memory: str
    seconds: int
    concurrency: int
    most: int | None
    caller: str
    public: bool = False

    @property
    def ingress(self) -> str:
        return "ALLOW_ALL" if self.public else "ALLOW_INTERNAL_ONLY"


FUNCTIONS: Final[Mapping[str, Function]] = {
    "api": Function(
        bundle="api", memory="512Mi", seconds=60, concurrency=4, most=None, caller="allUsers", public=True
    ),
    "stage": Function(
        bundle="stage", memory="1Gi", seconds=570, concurrency=4, most=10, caller="push", public=True
    ),
    "deliver": Function(bundle="deliver", memory="1Gi", seconds=570, concurrency=1, most=None, caller="push"),
    "deliver-static": Function(
        bundle="deliver", memory="1Gi", seconds=570, concurrency=1, most=None, caller="push"
    ),
    "dead-letter": Function(
        bundle="dead_letter", memory="512Mi", seconds=120, concurrency=4, most=2, caller="push"
    ),
    "sweep": Function(bundle="sweep", memory="512Mi", seconds=300, concurrency=1, most=1, caller="schedule"),
}
# Requests estimates from the staging function.
ALSO_CALLS: Final[Mapping[str, str]] = {"stage": "api"}
STATIC: Final = "deliver-static"
EGRESS: Final = "backfills-egress"
SCHEDULE: Final = "* * * * *"

INTEGRATION: Final = "BACKFILLS_INTEGRATION"
