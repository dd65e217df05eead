"""The figures of the reliability suites. Each suite saves its figures as JSON; one page shows all of them."""

import json
import os
import platform
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / ".reliability"
PAGE = ROOT / "docs/reliability.md"

# Every suite uses these names, and these figures must be 0. The guarantees state their sums.
ROWS_LOST = "rows lost"
KAFKA_DUPLICATES = "duplicates in Kafka (read_committed)"
WEBHOOK_CHANGED = "webhook batches repeated under one id with different rows"
WEBHOOK_DUPLICATES = "duplicate webhook rows after dropping repeats by id"
OTHER_DUPLICATES = "duplicate rows in buckets, Pub/Sub, SNS and NATS after dropping repeats by labels"
RECEIPTS_WRONG = "receipts of completed jobs that do not balance"
JOBS_STUCK = "jobs stuck"
COUNTS_WRONG = "chunks_left wrong"
FINISHED_TWICE = "jobs that finished twice or changed after their end"
ZEROES = (
    ROWS_LOST,
    KAFKA_DUPLICATES,
    WEBHOOK_CHANGED,
    WEBHOOK_DUPLICATES,
    OTHER_DUPLICATES,
    RECEIPTS_WRONG,
    JOBS_STUCK,
    COUNTS_WRONG,
    FINISHED_TWICE,
)
# The sums of these figures over all suites show how much was tested.
ROWS = "rows delivered"
KILLS = "processes killed while working"
WEBHOOK_REPEATS = "webhook batches sent again"
ROWS_REPEATED = "rows repeated under at_least_once"
MESSAGES_REPEATED = "messages sent again to Pub/Sub, SNS and NATS"
RECEIPTS = "receipts of completed jobs"

_GUARANTEES = """\
## What is guaranteed

- **Kafka, `exactly_once`** (the default): a consumer with `isolation.level=read_committed` reads every row
  of the slice exactly once, whatever crashed. The suites found {kafka} duplicates and {lost} lost rows after
  {kills} killed processes. *Your part:* read with `read_committed`, and keep the broker's group offsets
  (7 days by default) for as long as a job may be retried.
- **Kafka, `at_least_once`**: every row arrives. A crash may repeat rows: {again} rows arrived again, each
  with the same headers as the first time. *Your part:* drop a row whose `beam-job-id`, `beam-chunk` and
  `beam-row` you have already seen. If the table has a unique column, you can compare keys instead.
- **Webhook**: every row arrives. A crash may repeat a batch with the same `webhook-id` and the same body:
  {repeats} batches arrived again, {changed} of them with a changed body. After dropping repeats,
  {doubled} duplicate rows remained. *Your part:* answer 2xx only after the batch is stored, and drop a batch
  whose `webhook-id` you have already stored.
- **External Kafka** is like Kafka, with a topic and a cluster of your own. **Buckets** get one object per
  chunk, exactly once.
- **Pub/Sub, SNS and NATS**: every row arrives. A crash may repeat a message with the same attributes or
  headers: {messages} messages arrived again, and {others} duplicate rows remained after dropping repeats.
  *Your part:* drop a message whose `beam-job-id`, `beam-chunk` and `beam-row` you have already stored.
  JetStream and FIFO topics drop most of them within their own windows.
- **Receipts**: {unbalanced} of {receipts} receipts of completed jobs did not balance.
"""


@dataclass(frozen=True)
class Report:
    """One suite's run. ``zeroes`` names the figures that must be 0 in addition to the common ones. ``least``
    maps figures to their lower bounds. ``faults`` describes what went wrong, for people.
    """

    suite: str
    title: str
    seed: int
    seconds: float
    figures: Mapping[str, float]
    zeroes: tuple[str, ...] = ()
    least: Mapping[str, float] = field(default_factory=dict)
    faults: tuple[str, ...] = ()

    def misses(self) -> list[str]:
        """Return the figures that violate their bounds."""
        wrong = [
            f"{name}: {self.figures[name]:g}, must be 0"
            for name in (*ZEROES, *self.zeroes)
            if self.figures.get(name)
        ]
        low = [
            f"{name}: {self.figures.get(name, 0):g}, must be {bound:g} at least"
            for name, bound in self.least.items()
            if self.figures.get(name, 0) < bound
        ]
        return [*wrong, *low]

    @property
    def passed(self) -> bool:
        return not self.misses() and not self.faults

    def text(self) -> str:
        """Return the report for the terminal."""
        head = f"{self.title}: seed {self.seed}, {self.seconds:.0f} s"
        lines = [f"  {name}: {value:,g}" for name, value in self.figures.items()]
        verdict = ["  passed"] if self.passed else ["  FAILED", *self.misses(), *self.faults]
        return "\n".join([head, *lines, *verdict])


def save(report: Report, folder: Path = FOLDER) -> None:
    """Save the suite's latest run."""
    folder.mkdir(exist_ok=True)
    content = asdict(report) | {"machine": _machine()}
    (folder / f"{report.suite}.json").write_text(json.dumps(content, indent=2) + "\n")


def render(folder: Path = FOLDER) -> str:
    """Return the page, made from the latest run of each suite."""
    runs = [json.loads(path.read_text()) for path in sorted(folder.glob("*.json"))]
    reports = [
        Report(**{name: value for name, value in run.items() if name != "machine"} | _tuples(run))
        for run in runs
    ]
    totals: dict[str, float] = {}
    for report in reports:
        for name, value in report.figures.items():
            totals[name] = totals.get(name, 0) + value
    guarantees = _GUARANTEES.format(
        kafka=_shown(totals.get(KAFKA_DUPLICATES, 0)),
        lost=_shown(totals.get(ROWS_LOST, 0)),
        kills=_shown(totals.get(KILLS, 0)),
        again=_shown(totals.get(ROWS_REPEATED, 0)),
        repeats=_shown(totals.get(WEBHOOK_REPEATS, 0)),
        changed=_shown(totals.get(WEBHOOK_CHANGED, 0)),
        doubled=_shown(totals.get(WEBHOOK_DUPLICATES, 0)),
        messages=_shown(totals.get(MESSAGES_REPEATED, 0)),
        others=_shown(totals.get(OTHER_DUPLICATES, 0)),
        unbalanced=_shown(totals.get(RECEIPTS_WRONG, 0)),
        receipts=_shown(totals.get(RECEIPTS, 0)),
    )
    machines = sorted({run["machine"] for run in runs})
    head = (
        "# Reliability\n\n"
        "`make reliability` writes this page. The figures are those of its last run"
        f" on {' and '.join(machines)}.\n"
        "To repeat one suite, run `.venv/bin/python -m tests.reliability --suite NAME --seed SEED`.\n"
    )
    return "\n".join([head, guarantees, *map(_section, reports)])


def _section(report: Report) -> str:
    verdict = "passed" if report.passed else "**failed**"
    bounds = dict.fromkeys((*ZEROES, *report.zeroes), "0")
    bounds |= {name: f"≥ {_shown(bound)}" for name, bound in report.least.items()}
    rows = [
        f"| {name} | {_shown(value)} | {bounds.get(name, '')} |" for name, value in report.figures.items()
    ]
    return "\n".join(
        [
            f"## {report.title}",
            "",
            f"`{report.suite}`, seed {report.seed}, {report.seconds:.0f} s: {verdict}.",
            "",
            "| figure | measured | must be |",
            "|---|---|---|",
            *rows,
            *[f"\n- {fault}" for fault in report.faults],
            "",
        ]
    )


def _tuples(run: Mapping[str, list[str]]) -> dict[str, tuple[str, ...]]:
    return {name: tuple(run[name]) for name in ("zeroes", "faults")}


def _shown(value: float) -> str:
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:,.1f}"


def _machine() -> str:
    system = f"{platform.system()} {platform.machine()}"
    return f"{os.cpu_count()} cores, {system}, Python {platform.python_version()}"
