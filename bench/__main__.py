"""``python -m bench``: measure, print a table, write `.bench/results.json`, update the documentation.

ONLY, or the command's arguments, name the figures or parts to measure; all other results stay unchanged.
"""

import argparse
import os
import sys
import time
from collections.abc import Collection

from bench import (
    api,
    control,
    exactly_once,
    fairness,
    function,
    imports,
    kafka,
    machine,
    memory,
    native,
    overhead,
    process,
    report,
    sinks,
    webhook,
)
from bench.keys import KEYS
from bench.peers import part as peers

PARTS = {
    module.__name__.split(".")[1]: module
    for module in (
        kafka,
        native,
        exactly_once,
        memory,
        webhook,
        function,
        overhead,
        control,
        api,
        imports,
        fairness,
        sinks,
        peers,
    )
}
_ROUNDS = 5
# These two scatter most from round to round.
_MORE_ROUNDS = {"kafka": 11, "control": 9}
RESULTS = process.ROOT / ".bench" / "results.json"
DOCUMENT = process.ROOT / "docs" / "performance.md"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("only", nargs="*", help=f"parts ({', '.join(PARTS)}) or figures")
    parser.add_argument("--rounds", type=int, help=f"rounds of every part; by default at least {_ROUNDS}")
    arguments = parser.parse_args()
    only = arguments.only or os.environ.get("ONLY", "").replace(",", " ").split()
    try:
        wanted = chosen(only)
        if not wanted:
            parser.error(f"there is no {' or '.join(only)}")
        measure(wanted, arguments.rounds)
    except process.BenchFailure as failure:
        print(failure, file=sys.stderr)
        return 1
    return 0


def chosen(only: Collection[str]) -> list[str]:
    """Return the parts that these names, of parts or figures, select; without names, all but those on
    request.
    """
    if not only:
        on_request = {key.name for key in KEYS if key.on_request}
        return [name for name, part in PARTS.items() if not on_request.issuperset(part.KEYS)]
    return [name for name in PARTS if {name, *PARTS[name].KEYS} & set(only)]


def measure(parts: list[str], rounds_told: int | None) -> None:
    about = {**machine.describe(), "load_before": machine.load()}
    process.stay_aside()
    for name in parts:
        began = time.monotonic()
        rounds = rounds_told or _MORE_ROUNDS.get(name, _ROUNDS)
        print(f"{name}: {rounds} rounds", flush=True)
        figures = PARTS[name].run(rounds)
        about["load_after"] = machine.load()
        # Save after each part, so that an interrupted run keeps its results.
        report.write(RESULTS, report.merged(report.read(RESULTS), figures, about))
        print(f"{name}: {time.monotonic() - began:.0f} s", flush=True)
    results = report.read(RESULTS)
    print(f"\n{report.table(results)}\n\n{report.machine(results)}")
    if report.is_complete(results):
        DOCUMENT.write_text(report.publish(DOCUMENT.read_text(), results))


if __name__ == "__main__":
    sys.exit(main())
