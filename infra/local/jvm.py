"""The command lines of the stack's Java programs.

A class archive holds a program's classes ready to map into memory, so that a start takes about half the
processor time. ``class_archives.py`` makes those of Kafka and the emulators. A program without an archive,
or with one of another JVM, starts all the same.
"""

from __future__ import annotations

from pathlib import Path

from infra.local import toolchain

ARCHIVES = Path(__file__).parents[2] / ".cache" / "classes"

# Compiling short runs with optimizations would take longer than running them.
QUICK_START = "-XX:TieredStopAtLevel=1"


def command(program: str, *options: str) -> list[str]:
    """Return the start of a command line; what to run follows it."""
    return [toolchain.java() or "java", "-XX:+UseSerialGC", *_archived(program), *options]


def archive(program: str) -> Path:
    return ARCHIVES / f"{program}.jsa"


def _archived(program: str) -> list[str]:
    file = archive(program)
    # Without the second option, the JVM complains of an archive that does not fit.
    return [f"-XX:SharedArchiveFile={file}", "-Xlog:cds=off"] if file.is_file() else []
