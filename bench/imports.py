"""A function's imports at a cold start beyond the clients it needs. CPU time, because an import never
waits.
"""

import importlib
import sys
import time
from pathlib import Path

from bench import process
from bench.figures import Figure, ratio
from bench.rounds import Measured, Variant, paired

KEYS = ("import_vs_clients_api", "import_vs_clients_stage", "import_vs_clients_deliver")

_ALL = ("flask", "google.cloud.firestore", "google.pubsub_v1")
CLIENTS = {
    # pydantic itself imports almost nothing: the first access to a name loads what any model needs.
    "api": (*_ALL, "pydantic.main", "pydantic.types"),
    "stage": (*_ALL, "google.cloud.storage", "confluent_kafka.admin", "snowflake.connector"),
    "deliver": (
        *_ALL,
        "google.cloud.storage",
        "google.cloud.secretmanager",
        "confluent_kafka",
        "pyarrow.parquet",
        "arro3.io",
        "msgspec",
        "urllib3",
    ),
}
# The staging function delays these to its first request, because Snowflake's connector cannot be forked.
_LATER = {"stage": ("shared.bootstrap.stage",)}
_ENVIRONMENT = {
    "GOOGLE_CLOUD_PROJECT": "bench",
    "SNOWFLAKE_CONNECT": "{}",
    "SNOWFLAKE_STAGE": "A.B.C",
    "STAGING_BUCKET": "bench",
    "KAFKA_CLIENT": "{}",
}


def run(rounds: int) -> dict[str, Figure]:
    variants: dict[str, Variant] = {}
    for name, clients in CLIENTS.items():
        variants[f"{name} clients"] = _importing(list(clients))
        folder = str(Path("functions") / name)
        variants[name] = _importing(["main", *_LATER.get(name, ())], folder)
    # Short and noisy, so it takes twice the rounds of the others.
    found = paired(variants, 2 * rounds)
    return {
        f"import_vs_clients_{name}": ratio(found[name], found[f"{name} clients"], "seconds")
        for name in CLIENTS
    }


def importing(modules: list[str], folder: str) -> Measured:
    """Import the modules; runs in its own process, which has imported almost nothing before."""
    if folder:
        sys.path.insert(0, folder)
    began = time.process_time()
    for module in modules:
        importlib.import_module(module)
    return {"seconds": time.process_time() - began}


def _importing(modules: list[str], folder: str = "") -> Variant:
    return lambda: process.work(importing, environment=_ENVIRONMENT, modules=modules, folder=folder)
