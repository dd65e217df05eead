"""The machine that produced the figures."""

import os
import platform
from importlib.metadata import version
from pathlib import Path
from typing import Any

import confluent_kafka

from bench import process

_PACKAGES = (
    "confluent-kafka",
    "pyarrow",
    "arro3-io",
    "google-cloud-firestore",
    "google-cloud-pubsub",
    "urllib3",
)


def describe() -> dict[str, Any]:
    return {
        "processor": _first("/proc/cpuinfo", "model name"),
        "cores_usable": len(os.sched_getaffinity(0)),
        "measured_core": process.MEASURED_CORE,
        "other_core": process.OTHER_CORE,
        "memory_mib": int(_first("/proc/meminfo", "MemTotal").split()[0]) // 1024,
        "system": platform.platform(),
        "python": platform.python_version(),
        "librdkafka": confluent_kafka.libversion()[0],
        "packages": {name: version(name) for name in _PACKAGES},
    }


def load() -> float:
    """Return the load average of the last minute, including the run itself."""
    return round(os.getloadavg()[0], 1)


def _first(path: str, field: str) -> str:
    for line in Path(path).read_text(encoding="ascii").splitlines():
        name, _, value = line.partition(":")
        if name.strip() == field:
            return value.strip()
    return "0 unknown"
