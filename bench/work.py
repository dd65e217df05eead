"""The measuring process: ``python -m bench.work MODULE:FUNCTION ARGUMENTS-IN-JSON``."""

import importlib
import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from shared.bootstrap.memory import keep_freed_memory


def peak_mib() -> float:
    """Return this process's peak memory in MiB.

    Not getrusage's value: that includes the parent's memory before this program was loaded.
    """
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


@contextmanager
def measured(rows: int) -> Iterator[dict[str, float]]:
    """Measure a block that handles this many rows: rows/s of wall time, microseconds of CPU per row, peak
    MiB.
    """
    found: dict[str, float] = {}
    wall, processor = time.perf_counter(), time.process_time()
    yield found
    seconds = time.perf_counter() - wall
    found["rows"] = rows
    found["seconds"] = seconds
    found["rows_per_s"] = rows / seconds
    found["cpu_us"] = (time.process_time() - processor) / rows * 1e6
    found["peak_mib"] = peak_mib()


def main() -> None:
    keep_freed_memory()  # as the delivery function does; the other variants profit as well
    module, _, function = sys.argv[1].partition(":")
    print(json.dumps(getattr(importlib.import_module(module), function)(**json.loads(sys.argv[2]))))


if __name__ == "__main__":
    main()
