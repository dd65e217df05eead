"""The schema registry that the tests start: its place, and the command that runs it."""

from __future__ import annotations

import re
from pathlib import Path

from infra.local import jvm
from infra.local.ports import LOOPBACK

POM = Path(__file__).parent / "registry" / "pom.xml"


def _version() -> str:
    found = re.search(r"<registry.version>(.+)</registry.version>", POM.read_text())
    if found is None:
        raise ValueError(f"{POM} names no registry.version")
    return found[1]


FOLDER = Path(__file__).parents[2] / ".cache" / "registry" / _version()


def command(port: int) -> list[str]:
    """Return the command that runs the registry, which keeps everything in memory."""
    java = jvm.command("registry", jvm.QUICK_START, "-Xmx300m")
    address = [f"-Dquarkus.http.host={LOOPBACK}", f"-Dquarkus.http.port={port}"]
    return [*java, *address, "-jar", str(FOLDER / f"apicurio-registry-app-{_version()}-runner.jar")]
