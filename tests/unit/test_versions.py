"""One version for the service, the client and the native encoder, which the changelog contains."""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]


def version_of(path: str, table: str) -> str:
    return str(tomllib.loads((ROOT / path).read_text())[table]["version"])


def test_one_version() -> None:
    service = version_of("pyproject.toml", "project")
    assert version_of("client/pyproject.toml", "project") == service
    assert version_of("native/Cargo.toml", "package") == service


def test_changelog_has_unreleased_then_the_version() -> None:
    headings = re.findall(r"^## (.+)$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert headings[0] == "Unreleased"
    assert headings[1].split(" ")[0] == version_of("pyproject.toml", "project")
    assert all(re.fullmatch(r"\d+\.\d+\.\d+ \(\d{4}-\d\d-\d\d\)", heading) for heading in headings[1:])
