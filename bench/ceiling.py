"""The ceiling: a C loop over librdkafka, linked against the Python client's own library."""

import hashlib
import os
import shutil
import struct
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import confluent_kafka

from bench import chunk, process
from bench.rows import rows_of

_SOURCE = Path(__file__).with_name("ceiling.c")
BATCH_ROWS = 8_192


class NoCompiler(process.BenchFailure):
    """There is no compiler for the ceiling."""


def library() -> Path:
    """Return the librdkafka inside the installed confluent-kafka."""
    folder = Path(confluent_kafka.__file__).parents[1] / "confluent_kafka.libs"
    found = sorted(folder.glob("librdkafka*.so*"))
    if not found:
        raise process.BenchFailure(f"no librdkafka in {folder}: the ceiling needs confluent-kafka's wheel")
    return found[0]


def program() -> Path:
    """Return the compiled loop. Raises NoCompiler if there is no C compiler."""
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if compiler is None:
        raise NoCompiler("no C compiler (cc, gcc or clang) for the ceiling: apt-get install gcc libc6-dev")
    lib = library()
    made_by = hashlib.sha256(_SOURCE.read_bytes() + str(lib).encode()).hexdigest()[:12]
    built = chunk.FOLDER / f"ceiling-{made_by}"
    if not built.exists():
        built.parent.mkdir(parents=True, exist_ok=True)
        own = built.with_suffix(f".{os.getpid()}")
        link = [str(lib), f"-Wl,-rpath,{lib.parent}"]
        subprocess.run([compiler, "-O2", "-o", str(own), str(_SOURCE), *link], check=True)
        own.replace(built)
    return built


def prepared(path: Path) -> Path:
    """Write the chunk's keys and rows, as the product sends them, in the loop's input format."""
    target = path.with_suffix(".rows")
    if target.exists():
        return target
    own = target.with_suffix(f".{os.getpid()}")
    with path.open("rb") as file, own.open("wb") as out:
        for batch in rows_of(file, path.name).batches(BATCH_ROWS):
            for key, line in zip(batch.keys() or [], batch.lines(), strict=True):
                out.write(struct.pack("=II", len(key or b""), len(line)) + (key or b"") + line)
    own.replace(target)
    return target


def command(topic: str, rows: Path, settings: Mapping[str, Any]) -> list[str]:
    """Return the command for the loop with librdkafka's properties, none of which is case-sensitive."""
    words = {
        name: str(value).lower() if isinstance(value, bool) else value for name, value in settings.items()
    }
    return [str(program()), topic, str(rows), *(f"{name}={value}" for name, value in words.items())]
