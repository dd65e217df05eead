"""The documentation names only existing fields, events, commands, settings, files and tests."""

import dataclasses
import re
import shlex
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from shared.domain.events import Event
from shared.domain.messages import DeliverChunk, StageJob, TearDownJob
from shared.operator.__main__ import _parser
from tests.generated import check_file
from tests.unit.error_classes import below

ROOT = Path(__file__).parents[2]
RUNBOOKS = sorted((ROOT / "docs/runbooks").glob("*.md"))
DECISIONS = sorted((ROOT / "docs/decisions").glob("[0-9]*.md"))
OURS = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]
OPERATOR = ".venv/bin/python -m shared.operator"
FOLDERS = "(?:bench|docs|functions|infra|shared|tests)"
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


@cache
def sources() -> dict[str, str]:
    """Return the text of all files except documentation, by path."""
    found = [ROOT / "Makefile", ROOT / "cloudbuild.yaml"]
    for folder in ("bench", "client", "functions", "infra", "shared", "tests"):
        for kind in ("*.c", "*.py", "*.tf", "*.tftpl", "*.yaml"):
            found += (ROOT / folder).rglob(kind)
    return {file.relative_to(ROOT).as_posix(): file.read_text() for file in found}


def indented_lines(document: Path) -> Iterator[str]:
    """Yield the commands for the reader."""
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
        if line.startswith(f"{OPERATOR} ") and "…" not in line:
            _parser().parse_args(shlex.split(line)[3:])


@pytest.mark.parametrize("document", OURS, ids=lambda path: path.stem)
def test_the_operators_commands_name_the_python_that_has_them_and_the_project_they_want(
    document: Path,
) -> None:
    text = document.read_text()
    assert text.count("python -m shared.operator") == text.count(OPERATOR)
    assert OPERATOR not in text or "GOOGLE_CLOUD_PROJECT" in text or document.stem == "CHANGELOG"


@pytest.mark.parametrize("document", OURS, ids=lambda path: path.stem)
def test_what_is_named_is_there(document: Path) -> None:
    text = document.read_text()
    links = [link for link in re.findall(r"\]\(([^)#]+)\)", text) if "://" not in link]
    missing = [link for link in links if not (document.parent / link).exists()]
    assert missing == []
    paths = re.findall(rf"`({FOLDERS}/[A-Za-z0-9_/.-]+)`", text)
    assert [path for path in paths if not (ROOT / path).exists()] == []


def links(document: Path) -> set[Path]:
    """Return the files of the project that a page links to."""
    found = re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", document.read_text())
    return {(document.parent / link).resolve() for link in found if "://" not in link}


def test_the_documentations_index_links_every_page() -> None:
    index = ROOT / "docs/README.md"
    below = {path for kind in ("*.md", "*.json") for path in (ROOT / "docs").rglob(kind)}
    indexed = {ROOT / "docs/decisions/README.md": DECISIONS, ROOT / "docs/observability.md": RUNBOOKS}
    assert indexed.keys() <= links(index)
    for page, pages in indexed.items():
        assert set(pages) <= links(page)
        below -= set(pages)
    assert below - {index} <= links(index)
    assert index in links(ROOT / "README.md")


def test_the_decisions_index_has_their_titles() -> None:
    titles = (path.read_text().partition("\n")[0].removeprefix("# ") for path in DECISIONS)
    lines = (f"- [{title}]({path.name})\n" for title, path in zip(titles, DECISIONS, strict=True))
    check_file(ROOT / "docs/decisions/README.md", f"# Design decisions\n\n{''.join(lines)}")


def test_the_devcontainer_has_the_prerequisites_that_the_readme_names() -> None:
    image = (ROOT / ".devcontainer/Dockerfile").read_text()
    assert {"chromium", "maven", "python3", "python3-venv"} <= set(image.split())
    assert "\nFROM google/cloud-sdk:emulators\n" in image
    readme = " ".join((ROOT / "README.md").read_text().split())
    for named, from_image in (
        (r"Terraform ([\d.]+\d)", "hashicorp/terraform:"),
        (r"Rust ([\d.]+\d)", "rust:"),
    ):
        (oldest,) = set(re.findall(named, readme))
        (built,) = re.findall(rf"^FROM {from_image}([\d.]+)", image, re.MULTILINE)
        assert version(built) >= version(oldest)


def version(text: str) -> list[int]:
    return [int(part) for part in text.split(".")]


@pytest.mark.parametrize("document", OURS, ids=lambda path: path.stem)
def test_settings_and_constants_are_named_as_the_code_names_them(document: Path) -> None:
    named = set(re.findall(r"`([A-Z]+(?:_[A-Z]+)+)`", document.read_text()))
    elsewhere = {name for name in named if name.startswith("OTEL_") or name == "JOB_ID"}
    code = "".join(text for path, text in sources().items() if not path.startswith("tests/"))
    assert named - elsewhere <= set(re.findall(r"\b[A-Z]+(?:_[A-Z]+)+\b", code))


def test_the_scaling_page_knows_how_many_instances_prod_has() -> None:
    [written] = re.findall(r"`prod\.tfvars` has (\d+)", (ROOT / "docs/scaling.md").read_text())
    values = (ROOT / "infra/environments/prod.tfvars").read_text()
    assert re.findall(r"^deliver_instances += (\d+)$", values, re.MULTILINE) == [written]


def test_files_that_comments_name_are_there() -> None:
    written_by_make = {"docs/reliability.md"}
    missing = [
        f"{source}: {path}"
        for source, text in sources().items()
        for path in re.findall(
            rf"(?<![\w./}}-])({FOLDERS}/[\w/-]+\.(?:c|in|md|py|tf|tftpl|txt|yaml))\b", text
        )
        if path not in written_by_make and not (ROOT / path).exists()
    ]
    assert missing == []


def test_every_error_that_fails_a_job_is_in_its_runbook() -> None:
    table = (ROOT / "docs/runbooks/jobs-failing.md").read_text().split("\n| error |")[1]
    assert set(re.findall(r"^\| `(\w+)`", table, re.MULTILINE)) == below("JobFails") | {"JobFails"}


def test_the_fields_of_an_entry_are_listed() -> None:
    table = (ROOT / "docs/observability.md").read_text().split("\n| field |")[1].split("\n\n")[0]
    first_cells = " ".join(line.split(" | ")[0] for line in table.splitlines())
    listed = set(re.findall(r"`([^`]+)`", first_cells))
    # The audit mark is documented with its events.
    assert listed >= {"time", "severity", "logger"} | MESSAGES | OF_ENTRIES - {"audit"}
