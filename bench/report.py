"""The results: a file for programs, a table for people, and the table in the documentation."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bench.figures import Figure
from bench.keys import KEYS, Key

BEGIN, END = "<!-- written by make bench -->", "<!-- end of what make bench writes -->"

Results = Mapping[str, Any]


def merged(before: Results, figures: Mapping[str, Figure], machine: Results) -> dict[str, Any]:
    """Merge the earlier results with the new ones; each figure is a top-level entry with median, min and
    max.
    """
    found = {name: each.as_json() for name, each in figures.items()}
    return {**before, **found, "machine": dict(machine)}


def read(path: Path) -> dict[str, Any]:
    results: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    return results


def write(path: Path, results: Results) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(results, indent=2, ensure_ascii=False) + "\n")


def table(results: Results) -> str:
    """Return all figures as Markdown: first those with a bound, then the others."""
    lines = [
        "| figure | median | min to max | hold to | stretch | |",
        "|---|---|---|---|---|---|",
    ]
    for key in KEYS:
        if key.name not in results:
            lines.append(f"| `{key.name}` | not measured | | {_bounds(key)} | |")
            continue
        found = results[key.name]
        median = found["median"]
        verdict = "stretch" if key.stretched(median) else "held" if key.held(median) else "**missed**"
        lines.append(f"| `{key.name}` | {_shown(median)} | {_spread(found)} | {_bounds(key)} | {verdict} |")
    bound = {key.name for key in KEYS}
    for name, found in results.items():
        if name not in bound and name != "machine":
            lines.append(f"| `{name}` | {_shown(found['median'])} | {_spread(found)} | | | |")
    return "\n".join(lines)


def machine(results: Results) -> str:
    """Describe the machine in one sentence."""
    about = results["machine"]
    packages = ", ".join(f"{name} {version}" for name, version in about["packages"].items())
    return (
        f"{about['processor']}, {about['cores_usable']} cores usable, {about['memory_mib']} MiB, "
        f"{about['system']}, Python {about['python']}, librdkafka {about['librdkafka']}, {packages}. "
        f"Measured on core {about['measured_core']}, all else on core {about['other_core']}; "
        f"load over a minute {about['load_before']} before and {about['load_after']} after."
    )


def publish(document: str, results: Results) -> str:
    """Return the document with this run's table between its markers."""
    return between_markers(document, f"{table(results)}\n\n{machine(results)}")


def between_markers(document: str, text: str) -> str:
    """Return the document with the text between its markers. Raises ValueError without markers."""
    before, begin, rest = document.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError("the document has no markers for the results")
    return f"{before}{BEGIN}\n\n{text}\n\n{END}{after}"


def is_complete(results: Results) -> bool:
    """Return whether every figure with a bound is there, except those that are measured only on request."""
    return all(key.name in results for key in KEYS if not key.on_request)


def _bounds(key: Key) -> str:
    return f"{key.sign} {key.hold:g} | {key.sign} {key.stretch:g}"


def _spread(found: Mapping[str, float]) -> str:
    return f"{_shown(found['min'])} to {_shown(found['max'])}"


def _shown(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 20 else f"{value:.2f}"
