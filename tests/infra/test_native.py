"""The released native encoder: its bill of materials, and its build tools."""

import re
import shutil
import tomllib
from typing import Any

import pytest

from infra import native
from infra.offline.build import ROOT
from infra.release import native as release

# Licences that the deployment may link with only a notice.
_PERMISSIVE = {
    *("0BSD", "Apache-2.0", "Apache-2.0 WITH LLVM-exception", "BSD-2-Clause", "BSD-3-Clause", "BSL-1.0"),
    *("CC0-1.0", "ISC", "MIT", "MIT-0", "Unicode-3.0", "Unlicense", "Zlib"),
}


def _allowed(expression: str) -> bool:
    """Return whether each required licence, or one alternative of it, is permissive."""
    parts = re.sub("[()]", "", expression).split(" AND ")
    return all(any(choice.strip() in _PERMISSIVE for choice in part.split(" OR ")) for part in parts)


def _crate(name: str, version: str, source: str | None, license_: str = "MIT") -> dict[str, Any]:
    return {
        "id": f"{name} {version}",
        "name": name,
        "version": version,
        "source": source,
        "license": license_,
    }


def test_the_bill_has_what_is_built_in_with_licence_and_checksum() -> None:
    packages = [
        _crate("own", "0.1.0", None),
        _crate("itoa", "1.0.0", "registry", "MIT/Apache-2.0"),
        _crate("winapi", "2.0.0", "registry"),
    ]
    metadata = {"packages": packages, "resolve": {"nodes": [{"id": "own 0.1.0"}, {"id": "itoa 1.0.0"}]}}
    pins = {
        "package": [
            {"name": "own", "version": "0.1.0"},
            {"name": "itoa", "version": "1.0.0", "checksum": "ab"},
        ]
    }
    assert release.bill(metadata, pins)["components"] == [
        {
            "type": "library",
            "name": "itoa",
            "version": "1.0.0",
            "purl": "pkg:cargo/itoa@1.0.0",
            "licenses": [{"expression": "MIT OR Apache-2.0"}],
            "hashes": [{"alg": "SHA-256", "content": "ab"}],
        }
    ]


@pytest.mark.skipif(native.lacking() is not None, reason="the native encoder can't be built: no cargo")
def test_every_crate_that_is_built_in_has_a_permissive_licence() -> None:
    pins = tomllib.loads((native.CRATE / "Cargo.pins").read_text())
    components = release.bill(release.metadata(), pins)["components"]
    assert {"parquet", "pyo3", "arrow-array"} <= {component["name"] for component in components}
    for component in components:
        assert _allowed(component["licenses"][0]["expression"]), component
        assert re.fullmatch("[0-9a-f]{64}", component["hashes"][0]["content"])


def test_one_maturin_builds_it_everywhere() -> None:
    files = ("requirements-dev.txt", "native/requirements.txt", "native/pyproject.toml")
    assert len({re.findall(r"\bmaturin==([\d.]+)", (ROOT / file).read_text())[0] for file in files}) == 1


def test_an_old_cargo_is_named_with_its_version(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    cargo = tmp_path / "cargo"
    cargo.write_text("#!/bin/sh\necho 'cargo 1.70.0 (abc)'\n")
    cargo.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert (
        native.lacking() == f"Rust 1.85 or newer is missing ({shutil.which('cargo')} says cargo 1.70.0 (abc))"
    )
    cargo.unlink()
    assert native.lacking() == "Rust 1.85 or newer is missing (cargo)"
