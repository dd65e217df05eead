"""The location of Kafka's jars: one folder for each version that the pom names."""

from __future__ import annotations

import re
from pathlib import Path

POM = Path(__file__).parent / "kafka" / "pom.xml"


def _version() -> str:
    found = re.search(r"<kafka.version>(.+)</kafka.version>", POM.read_text())
    if found is None:
        raise ValueError(f"{POM} names no kafka.version")
    return found[1]


FOLDER = Path(__file__).parents[2] / ".cache" / "kafka" / _version()
