"""Prints each missing prerequisite and how to install it; exit status 1 if there is any.

It uses only the standard library, and no syntax that an old Python rejects, because `make` runs it first.
"""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys

from infra.local import toolchain

OLDEST_PYTHON = (3, 11)
OLDEST_JAVA = 17


def missing() -> list[str]:
    """Return one line for each missing prerequisite."""
    checks = (_system, _python, _virtual_environments, _java, _maven, _firestore, _pubsub)
    return [fault for fault in (check() for check in checks) if fault]


def _system() -> str | None:
    if sys.platform != "linux":
        return "Linux is missing: the local stack runs on Linux (or WSL, or a Linux container)"
    return None


def _python() -> str | None:
    if sys.version_info < OLDEST_PYTHON:
        found = ".".join(map(str, sys.version_info[:3]))
        return (
            f"Python 3.11 or newer is missing (this one is {found}): "
            "install it, then run make PYTHON=/path/to/python3.11"
        )
    return None


def _virtual_environments() -> str | None:
    if not (importlib.util.find_spec("venv") and importlib.util.find_spec("ensurepip")):
        return "Python's venv module is missing: apt-get install python3-venv"
    return None


def _java() -> str | None:
    hint = "apt-get install openjdk-17-jre-headless, or set JAVA_HOME"
    command = toolchain.java()
    if command is None:
        return f"Java {OLDEST_JAVA} or newer is missing: {hint}"
    banner = subprocess.run([command, "-version"], capture_output=True, text=True, check=False).stderr
    version = re.search(r'version "(\d+)', banner)
    if version is None or int(version[1]) < OLDEST_JAVA:
        first_line = banner.splitlines()[0] if banner else "unknown"
        return f"Java {OLDEST_JAVA} or newer is missing ({command} says {first_line}): {hint}"
    return None


def _maven() -> str | None:
    if os.environ.get("KAFKA_BOOTSTRAP") or toolchain.maven():
        return None
    return (
        "Maven (mvn) is missing: apt-get install maven, or name a Kafka that runs already: "
        "make KAFKA_BOOTSTRAP=host:port"
    )


def _firestore() -> str | None:
    return _emulator("Firestore", toolchain.firestore_jar() is None, "cloud-firestore-emulator", "firestore")


def _pubsub() -> str | None:
    return _emulator("Pub/Sub", toolchain.pubsub_jar() is None, "pubsub-emulator", "pubsub")


def _emulator(name: str, is_missing: bool, component: str, package: str) -> str | None:  # noqa: FBT001 - private
    if not is_missing:
        return None
    return (
        f"Google's {name} emulator is missing: gcloud components install {component} "
        f"(or apt-get install google-cloud-cli-{package}-emulator); "
        "CLOUDSDK_ROOT_DIR names a Cloud SDK in an unusual place"
    )


def main() -> None:
    faults = missing()
    for fault in faults:
        print(fault, file=sys.stderr)
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    main()
