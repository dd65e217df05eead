"""The documentation speaks of what there is: fields, events, commands, settings, files and tests."""

import dataclasses
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.config import Settings
from shared.events import Event
from shared.messages import DeliverChunk, StageJob, TearDownJob
from shared.operator.__main__ import _parser

ROOT = Path(__file__).parents[2]
RUNBOOKS = sorted((ROOT / "docs/runbooks").glob("*.md"))
OURS = [ROOT / "README.md", ROOT / "docs/security.md", ROOT / "docs/observability.md", *RUNBOOKS]
HEADINGS = ["## What it means", "## What to look at", "## What to do", "## When it is over"]

EVENTS = {kind.name: {field.name for field in dataclasses.fields(kind)} for kind in Event.__args__}
MESSAGES = {name for kind in (StageJob, TearDownJob, DeliverChunk) for name in kind.__annotations__}
OF_ENTRIES = {
    "message",
    "detail",
    "error",
    "stack_trace",
    "event",
    "audit",
    "kind",
    "message_id",
    "tried",
    "request",
}
FIELDS = set().union(*EVENTS.values()) | MESSAGES | OF_ENTRIES


def indented_lines(document: Path) -> Iterator[str]:
    """The commands that a reader is told to run."""
    for line in document.read_text().splitlines():
        if line.startswith("    ") and line.strip():
            yield line.strip()
        yield from (found for found in re.findall(r"`([^`]+)`", line) if " " in found)


@pytest.mark.parametrize("runbook", RUNBOOKS, ids=lambda path: path.stem)
def test_a_runbook_says_what_it_means_what_to_look_at_what_to_do_and_when_it_is_over(runbook: Path) -> None:
    lines = runbook.read_text().splitlines()
    assert [line for line in lines if line.startswith("#")] == [lines[0], *HEADINGS]
    assert lines[0].startswith("# ")


@pytest.mark.parametrize("runbook", RUNBOOKS, ids=lambda path: path.stem)
def test_a_runbook_has_something_to_look_at(runbook: Path) -> None:
    assert "gcloud logging read" in runbook.read_text()
    assert runbook.relative_to(ROOT / "docs").as_posix() in (ROOT / "docs/observability.md").read_text()


@pytest.mark.parametrize("document", OURS, ids=lambda path: path.stem)
def test_queries_ask_for_fields_and_events_that_there_are(document: Path) -> None:
    text = document.read_text()
    assert set(re.findall(r"jsonPayload\.([a-z_]+)", text)) <= FIELDS
    assert set(re.findall(r'jsonPayload\.event="([a-z_]+)"', text)) <= EVENTS.keys()
    for query in re.findall(r"gcloud logging read '([^']+)'", text):
        event = re.search(r'event="([a-z_]+)"', query)
        asked = set(re.findall(r"jsonPayload\.([a-z_]+)=", query)) - MESSAGES - OF_ENTRIES
        assert event is None or asked <= EVENTS[event[1]]


@pytest.mark.parametrize("document", OURS, ids=lambda path: path.stem)
def test_the_operators_commands_can_be_given_as_they_stand(document: Path) -> None:
    for line in indented_lines(document):
        if line.startswith("python -m shared.operator ") and "…" not in line:
            _parser().parse_args(shlex.split(line)[3:])


@pytest.mark.parametrize("document", OURS, ids=lambda path: path.stem)
def test_what_is_named_is_there(document: Path) -> None:
    text = document.read_text()
    links = [link for link in re.findall(r"\]\(([^)#]+)\)", text) if "://" not in link]
    missing = [link for link in links if not (document.parent / link).exists()]
    assert missing == []
    assert [path for path in re.findall(r"`(tests/[a-z0-9_/.]+)`", text) if not (ROOT / path).exists()] == []
    settings = {field.metadata["name"] for field in dataclasses.fields(Settings)}
    for name in re.findall(r"`([A-Z]+(?:_[A-Z]+)+)`", text):
        assert (
            name in settings or name.startswith("OTEL_") or name in {"STACK_DIR", "KAFKA_BOOTSTRAP", "JOB_ID"}
        ), name
