"""What a function is deployed with: every package at one version, every archive known by its hash."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DEPLOYED = sorted((ROOT / "functions").glob("*/requirements.txt"))
TESTED = ROOT / "requirements-dev.txt"


def packages(file: Path) -> dict[str, str]:
    """Each requirement's lines by the package's name."""
    text = re.sub(r"^ *#.*\n", "", file.read_text(), flags=re.MULTILINE)
    blocks = re.findall(r"^([A-Za-z0-9._-]+)(?:\[[^\]]+\])?(==.*(?:\n    .*)*)", text, flags=re.MULTILINE)
    assert len(blocks) == len([line for line in text.splitlines() if line and not line.startswith(" ")])
    return {name.lower(): lines for name, lines in blocks}


def version(lines: str) -> str:
    return re.split(r"[ ;\\]", lines, maxsplit=1)[0]


@pytest.mark.parametrize("file", [*DEPLOYED, TESTED], ids=lambda path: path.parent.name)
def test_every_package_is_pinned_and_hashed(file: Path) -> None:
    for name, lines in packages(file).items():
        assert re.fullmatch(r"==[0-9][0-9A-Za-z.!+-]*", version(lines)), name
        assert "--hash=sha256:" in lines, name


@pytest.mark.parametrize("file", DEPLOYED, ids=lambda path: path.parent.name)
def test_what_is_deployed_is_what_was_tested(file: Path) -> None:
    tested = packages(TESTED)
    for name, lines in packages(file).items():
        assert version(lines) == version(tested[name]), name


@pytest.mark.parametrize("file", [*DEPLOYED, TESTED], ids=lambda path: path.parent.name)
def test_no_place_that_packages_came_from_is_named(file: Path) -> None:
    assert not re.search(r"https?://|--(extra-)?index-url|--find-links", file.read_text())
