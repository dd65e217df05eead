"""A function's deployed packages: each at one version, each archive known by its hash."""

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DEPLOYED = sorted((ROOT / "functions").glob("*/requirements.txt"))
TESTED = ROOT / "requirements-dev.txt"
MEASURED = ROOT / "bench/peers/requirements.txt"
PINS = ROOT / "native/Cargo.pins"


def packages(file: Path) -> dict[str, str]:
    """Return each requirement's lines by package name."""
    text = re.sub(r"^ *#.*\n", "", file.read_text(), flags=re.MULTILINE)
    blocks = re.findall(r"^([A-Za-z0-9._-]+)(?:\[[^\]]+\])?(==.*(?:\n    .*)*)", text, flags=re.MULTILINE)
    assert len(blocks) == len([line for line in text.splitlines() if line and not line.startswith(" ")])
    return {name.lower(): lines for name, lines in blocks}


def version(lines: str) -> str:
    return re.split(r"[ ;\\]", lines, maxsplit=1)[0]


@pytest.mark.parametrize("file", [*DEPLOYED, TESTED, MEASURED], ids=lambda path: path.parent.name)
def test_every_package_is_pinned_and_hashed(file: Path) -> None:
    for name, lines in packages(file).items():
        assert re.fullmatch(r"==[0-9][0-9A-Za-z.!+-]*", version(lines)), name
        assert "--hash=sha256:" in lines, name


@pytest.mark.parametrize("file", DEPLOYED, ids=lambda path: path.parent.name)
def test_what_is_deployed_is_what_was_tested(file: Path) -> None:
    tested = packages(TESTED)
    for name, lines in packages(file).items():
        assert version(lines) == version(tested[name]), name


def test_every_crate_is_pinned_by_its_checksum_and_names_no_place() -> None:
    pins = tomllib.loads(PINS.read_text())["package"]
    own, crates = pins.pop([crate["name"] for crate in pins].index("backfills_native")), pins
    assert "checksum" not in own
    assert len(crates) > 20
    assert all(re.fullmatch("[0-9a-f]{64}", crate["checksum"]) for crate in crates)
    assert not any("source" in crate for crate in crates)
    assert "://" not in PINS.read_text()


def test_the_fuzzer_tests_the_crates_that_are_used() -> None:
    own, fuzzers = (
        {crate["name"]: crate["version"] for crate in tomllib.loads(file.read_text())["package"]}
        for file in (PINS, PINS.parent / "fuzz" / "Cargo.pins")
    )
    used = tomllib.loads((PINS.parent / "Cargo.toml").read_text())["dependencies"].keys() - {"pyo3"}
    assert {name: fuzzers[name] for name in used} == {name: own[name] for name in used}


def test_the_crates_that_are_used_are_pinned_as_cargo_toml_says() -> None:
    pinned = {crate["name"]: crate["version"] for crate in tomllib.loads(PINS.read_text())["package"]}
    manifest = tomllib.loads((PINS.parent / "Cargo.toml").read_text())
    for name, wanted in manifest["dependencies"].items():
        assert (wanted if isinstance(wanted, str) else wanted["version"]) == f"={pinned[name]}", name


@pytest.mark.parametrize("file", [*DEPLOYED, TESTED, MEASURED], ids=lambda path: path.parent.name)
def test_no_place_that_packages_came_from_is_named(file: Path) -> None:
    assert not re.search(r"https?://|--(extra-)?index-url|--find-links", file.read_text())
