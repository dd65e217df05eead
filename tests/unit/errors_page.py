"""The page ``docs/errors.md``, made from the error classes and their docstrings."""

import importlib
import inspect
import re
from collections.abc import Iterator
from pathlib import Path

import shared
from shared.domain.errors import BackfillError, Disposition, RequestRefused
from shared.domain.slices import SliceRefused
from shared.web.errors import Invalid
from tests.unit.error_classes import below

_ROOT = Path(shared.__file__).parents[1]
_CLASS = re.compile(r"^class (\w+)\(", re.MULTILINE)
_OPERATOR = "Operator: "
_BEGINNING = """\
# Errors

Every error that the service raises on purpose belongs to one of these classes. The class decides what
happens next. Each error separates the text for the client from the `detail` in the operator's log. This page
is generated from the classes: `REGENERATE=1 .venv/bin/python -m pytest tests/unit/test_errors.py`.

[api.md](api.md#errors) lists the API's statuses for clients. The [runbooks](runbooks/) begin with the alerts.
"""
_SECTIONS = {
    "Retryable": """\
A later attempt may succeed. A handler answers `503`, and Pub/Sub delivers the message again, up to 100 times.
Meanwhile the client sees a destination's message as its `last_error`. If the attempts are used up, the job
fails with it. The API answers a client's request with `503`.
""",
    "Terminal": """\
No attempt can succeed. The job ends `failed`, and the client reads the message as its `error_message`.
""",
    "Skipped": """\
There is nothing to do. The message is acknowledged and logged. The client sees nothing, and no row is lost.
""",
    "Refused requests": """\
The API answers with the status, and with the message as `detail`. Nothing is recorded.
""",
}


def page() -> str:
    """Return the whole page."""
    parts = [_BEGINNING]
    for title, text in _SECTIONS.items():
        lines = ["| error | what it means | what the operator does |", "|---|---|---|"]
        lines += [_line(kind) for kind in classes() if _section(kind) == title]
        parts += [f"## {title}\n\n{text}", "\n".join(lines) + "\n"]
    return "\n".join(parts)


def classes() -> list[type[BackfillError]]:
    """Return every class below BackfillError, each behind its base."""
    names = below("BackfillError")
    for file in sorted((_ROOT / "shared").rglob("*.py")):
        if names & set(_CLASS.findall(file.read_text())):
            importlib.import_module(".".join(file.relative_to(_ROOT).with_suffix("").parts))
    return [kind for kind in _below(BackfillError) if kind.__module__.startswith("shared.")]


def words(kind: type[BackfillError]) -> tuple[str, str]:
    """Return what a class means, and what the operator does: of the class, or of its nearest base that says
    it.
    """
    meaning, *others = _paragraphs(kind)
    for one in [*others, *(part for base in kind.__mro__[1:-2] for part in _paragraphs(base))]:
        if one.startswith(_OPERATOR):
            return meaning, one.removeprefix(_OPERATOR)
    return meaning, ""


def _line(kind: type[BackfillError]) -> str:
    meaning, operator = words(kind)
    status = getattr(kind, "status", Invalid.status if kind is SliceRefused else None)
    name = f"`{kind.__name__}`" if status is None else f"`{kind.__name__}`, `{status}`"
    return f"| {name} | {meaning} | {operator[:1].upper()}{operator[1:]} |"


def _section(kind: type[BackfillError]) -> str:
    if issubclass(kind, RequestRefused | SliceRefused):
        return "Refused requests"
    return {Disposition.RETRY: "Retryable", Disposition.TERMINAL: "Terminal", Disposition.SKIP: "Skipped"}[
        kind.disposition
    ]


def _below(kind: type[BackfillError]) -> Iterator[type[BackfillError]]:
    for one in sorted(kind.__subclasses__(), key=lambda one: one.__name__):
        yield one
        yield from _below(one)


def _paragraphs(kind: type) -> list[str]:
    text = inspect.cleandoc(kind.__doc__ or "").replace("``", "`")
    return [" ".join(one.split()) for one in text.split("\n\n")]
