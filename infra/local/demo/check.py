"""Compare the arrived rows with the expected ones: every row once, with every field."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infra.local.demo import arrivals
from infra.local.demo.expected import digest
from infra.local.topic import to_the_end


@dataclass(slots=True)
class Findings:
    """Counts of rows, except for ``requests`` and ``unsigned``, which count webhook requests. For webhooks,
    ``repeated`` counts requests, too.
    """

    destination: str
    expected: int = 0
    arrived: int = 0
    missing: int = 0
    doubled: int = 0
    unexpected: int = 0
    different: int = 0
    miskeyed: int = 0
    requests: int = 0
    repeated: int = 0
    unsigned: int = 0

    @property
    def all_well(self) -> bool:
        faults = (self.missing, self.doubled, self.unexpected, self.different, self.miskeyed, self.unsigned)
        return self.arrived == self.expected and not any(faults)


class Comparison:
    """Compares the rows of one destination, one after the other."""

    def __init__(self, destination: str, expected: Mapping[str, bytes]) -> None:
        self.findings = Findings(destination, expected=len(expected))
        self._expected = expected
        self._seen: set[str] = set()

    def take(self, message: dict[str, Any]) -> None:
        name = message.get("unique_id")
        self.findings.arrived += 1
        if not isinstance(name, str) or name not in self._expected:
            self.findings.unexpected += 1
        elif name in self._seen:
            self.findings.doubled += 1
        elif digest(message) != self._expected[name]:
            self.findings.different += 1
        if isinstance(name, str):
            self._seen.add(name)

    def close(self) -> Findings:
        self.findings.missing = len(self._expected.keys() - self._seen)
        return self.findings


def check_kafka(name: str, bootstrap: str, topic: str, expected: Mapping[str, bytes]) -> Findings:
    """Read the whole topic as a consumer that sees only committed rows."""
    comparison = Comparison(name, expected)
    for key, value in to_the_end(bootstrap, topic):
        message = json.loads(value)
        comparison.take(message)
        if key != str(message.get("unique_id")).encode():
            comparison.findings.miskeyed += 1
    return comparison.close()


def check_webhook(name: str, spool: Path, expected: Mapping[str, bytes]) -> Findings:
    """Read the receiver's batches, and drop repeated batches by their ``webhook-id``."""
    comparison = Comparison(name, expected)
    seen: set[str] = set()
    with spool.open(encoding="utf-8") as file:
        for line in file:
            webhook_id, signed, body = json.loads(line)
            comparison.findings.requests += 1
            comparison.findings.unsigned += not signed
            if webhook_id in seen:
                comparison.findings.repeated += 1
                continue
            seen.add(webhook_id)
            for message in json.loads(body):
                comparison.take(message)
    return comparison.close()


def check_arrivals(kind: str, endpoints: Mapping[str, Any], expected: Mapping[str, bytes]) -> Findings:
    """Read all arrived rows, and drop repeated rows by their labels."""
    comparison = Comparison(kind, expected)
    seen: set[tuple[str, ...]] = set()
    for row_names, content in arrivals.of(kind, endpoints).read():
        if row_names is not None and row_names in seen:
            comparison.findings.repeated += 1
            continue
        if row_names is not None:
            seen.add(row_names)
        comparison.take(json.loads(content))
    return comparison.close()
