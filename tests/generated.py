"""Files, and tables in documents, that a program writes: compared, or rewritten with ``REGENERATE=1``."""

import os
from pathlib import Path


def check_file(path: Path, text: str) -> None:
    """Compare the whole file with the text."""
    if os.environ.get("REGENERATE"):
        path.write_text(text, "utf-8", newline="")
    found = path.read_bytes().decode() if path.exists() else ""
    assert found == text, _advice(path)


def check_table(document: Path, table: str) -> None:
    """Compare the table in the document that has the same first line as ``table``."""
    text = document.read_text("utf-8")
    heading = table.splitlines(keepends=True)[0]
    before, found, rest = text.partition(heading)
    assert found, f"{document} has no table that begins with {heading}"
    here, end, after = rest.partition("\n\n")
    if os.environ.get("REGENERATE"):
        document.write_text(before + table.rstrip() + (end or "\n") + after, "utf-8")
        return
    assert heading + here.rstrip() == table.rstrip(), _advice(document)


def _advice(path: Path) -> str:
    test = os.environ["PYTEST_CURRENT_TEST"].partition("::")[0]
    command = f"REGENERATE=1 .venv/bin/python -m pytest {test}"
    return f"{path.name} is out of date: run {command} and review the diff"
