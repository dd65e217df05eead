"""Build the native encoder for deployment: ``python -m infra.release.native``, in Cloud Build.

The package goes to dist/native/, which ``infra.bundle --native`` reads; the list of its crates, with licences
and checksums, to dist/native.sbom.json (CycloneDX). Zig links it, so that it runs with any glibc of the last
ten years. The same commit gives the same bytes in any folder.
"""

import json
import os
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path
from typing import Any

from infra import native
from infra.local.provision import CACHE, ROOT, environment

TOOLS = CACHE / "native-tools"
INTO = ROOT / "dist" / "native"
BILL = ROOT / "dist" / "native.sbom.json"
_TARGET = "x86_64-unknown-linux-gnu"
_OPTIONS = ["--zig", "--compatibility", "manylinux2014", "--target", _TARGET, "--auditwheel", "check"]


def build() -> Path:
    """Rebuild the package; return its folder, which contains only the interpreter's own files."""
    shutil.rmtree(INTO, ignore_errors=True)
    wheel = native.wheel(TOOLS / "bin/maturin", CACHE / "release-wheels", *_OPTIONS, settings=settings())
    with zipfile.ZipFile(wheel) as packed:
        packed.extractall(INTO, [name for name in packed.namelist() if ".dist-info/" not in name])
    return INTO


def settings() -> dict[str, str]:
    """Return settings for identical bytes in any folder: no path of this machine remains in the build."""
    crates = os.environ.get("CARGO_HOME") or str(Path.home() / ".cargo")
    renamed = {crates: "/cargo", str(ROOT): "/source"}
    flags = [f"--remap-path-prefix={here}={there}" for here, there in renamed.items()]
    return {"RUSTFLAGS": " ".join(flags), "PATH": f"{TOOLS / 'bin'}:{os.environ['PATH']}"}


def bill(metadata: dict[str, Any], pins: dict[str, Any]) -> dict[str, Any]:
    """Return the bill of materials from Cargo's metadata and the pins."""
    checksums = {(pin["name"], pin["version"]): pin.get("checksum") for pin in pins["package"]}
    used = {node["id"] for node in metadata["resolve"]["nodes"]}
    found = [package for package in metadata["packages"] if package["id"] in used and package["source"]]
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "components": [
            {
                "type": "library",
                "name": crate["name"],
                "version": crate["version"],
                "purl": f"pkg:cargo/{crate['name']}@{crate['version']}",
                "licenses": [{"expression": crate["license"].replace("/", " OR ")}],
                "hashes": [{"alg": "SHA-256", "content": checksums[crate["name"], crate["version"]]}],
            }
            for crate in sorted(found, key=lambda crate: (crate["name"], crate["version"]))
        ],
    }


def metadata() -> dict[str, Any]:
    """Return Cargo's metadata of the crates for the deployment's platform."""
    native.lock()
    options = ["--format-version", "1", "--locked", "--filter-platform", _TARGET]
    command = ["cargo", "metadata", *options, "--manifest-path", str(native.CRATE / "Cargo.toml")]
    told: dict[str, Any] = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    return told


def main() -> None:
    if fault := native.lacking():
        sys.exit(fault)
    environment(TOOLS, native.CRATE / "requirements.txt")
    build()
    pins = tomllib.loads((native.CRATE / "Cargo.pins").read_text())
    BILL.write_text(json.dumps(bill(metadata(), pins), indent=2) + "\n")


if __name__ == "__main__":
    main()
