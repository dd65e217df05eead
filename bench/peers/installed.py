"""What the peers need: packages, Spark's Kafka connector, kcat. Only ``make bench ONLY=peers`` fetches them.

The peers' own process imports this module, so it uses only the standard library.
"""

import shutil
from pathlib import Path

from infra.local import provision, toolchain

_FOLDER = provision.CACHE / "peers"
_ENVIRONMENT = _FOLDER / "python"
CONNECTOR = _FOLDER / "spark"
PYTHON = _ENVIRONMENT / "bin" / "python"
REQUIREMENTS = Path(__file__).with_name("requirements.txt")
POM = Path(__file__).with_name("pom.xml")


def install() -> None:
    """Fetch what is not there yet. Raises RuntimeError with the output of the program that failed."""
    _FOLDER.mkdir(parents=True, exist_ok=True)
    provision.environment(_ENVIRONMENT, REQUIREMENTS)
    if toolchain.maven():
        provision.fetch(CONNECTOR, POM, "copy-dependencies", "Spark's Kafka connector (a few MB, once)")


def kcat() -> str | None:
    return shutil.which("kcat") or shutil.which("kafkacat")


def lacking() -> dict[str, str]:
    """Return the peers that cannot run on this machine, each with what is missing and how to get it."""
    faults = {}
    if not toolchain.maven():
        faults["spark"] = "Maven, which fetches its Kafka connector, is missing: apt-get install maven"
    if not kcat():
        faults["polars_kcat"] = "kcat is missing: apt-get install kcat"
    return faults
