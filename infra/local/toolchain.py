"""Finds the programs that the stack needs but does not install: Java, Maven and Google's emulators.

It uses only the standard library, and no syntax that an old Python rejects, because it runs before the setup.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

FIRESTORE_JAR = "platform/cloud-firestore-emulator/cloud-firestore-emulator.jar"
PUBSUB_JAR = "platform/pubsub-emulator/lib/cloud-pubsub-emulator-*-all.jar"

_USUAL_PLACES = (
    "/usr/lib/google-cloud-sdk",
    "/usr/share/google-cloud-sdk",
    "/opt/google-cloud-sdk",
    "/snap/google-cloud-cli/current",
    "~/google-cloud-sdk",
)


def java() -> str | None:
    """Return the path of the java command: JAVA_HOME's, otherwise the one on PATH."""
    home = os.environ.get("JAVA_HOME")
    if home and Path(home, "bin", "java").is_file():
        return str(Path(home, "bin", "java"))
    return shutil.which("java")


def maven() -> str | None:
    return shutil.which("mvn")


def firestore_jar() -> Path | None:
    return _in_sdk(FIRESTORE_JAR)


def pubsub_jar() -> Path | None:
    return _in_sdk(PUBSUB_JAR)


def _in_sdk(pattern: str) -> Path | None:
    """Find the newest file of that name in any Google Cloud SDK of this machine."""
    for root in _likely_sdk_roots():
        if found := sorted(root.glob(pattern)):
            return found[-1]
    # Ask gcloud last, because that takes about a second.
    told = _sdk_root_by_gcloud()
    found = sorted(told.glob(pattern)) if told else []
    return found[-1] if found else None


def _likely_sdk_roots() -> list[Path]:
    places = [os.environ.get("CLOUDSDK_ROOT_DIR"), *_USUAL_PLACES]
    command = shutil.which("gcloud")
    if command:
        places.insert(1, str(Path(command).resolve().parents[1]))
    roots = [Path(place).expanduser() for place in places if place]
    return [root for root in roots if (root / "platform").is_dir()]


def _sdk_root_by_gcloud() -> Path | None:
    command = shutil.which("gcloud")
    if command is None:
        return None
    answer = subprocess.run(
        [command, "info", "--format=value(installation.sdk_root)"],
        capture_output=True,
        text=True,
        check=False,
    )
    return Path(answer.stdout.strip()) if answer.stdout.strip() else None
