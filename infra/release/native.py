"""Build the native encoder for deployment: ``python -m infra.release.native``, in Cloud Build.

Its package goes into dist/native/, from where ``infra.bundle --native`` takes it, and the crates that are in
it, with licences and checksums, into dist/native.sbom.json (CycloneDX). Zig links it, so that it runs with
any glibc of the last ten years; the same commit gives the same bytes in whatever folder it is built.
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
    """The package's folder, made anew; the interpreter's own files only."""
    shutil.rmtree(INTO, ignore_errors=True)
    wheel = native.wheel(TOOLS / "bin/maturin", CACHE / "release-wheels", *_OPTIONS, settings=settings())
    with zipfile.ZipFile(wheel) as packed:
        packed.extractall(INTO, [name for name in packed.namelist() if ".dist-info/" not in name])
    return INTO


def settings() -> dict[str, str]:
    """What a build in another folder must have the same: no path of this machine stays in what is built."""
    crates = os.environ.get("CARGO_HOME") or str(Path.home() / ".cargo")
    renamed = {crates: "/cargo", str(ROOT): "/source"}
    flags = [f"--remap-path-prefix={here}={there}" for here, there in renamed.items()]
    return {"RUSTFLAGS": " ".join(flags), "PATH": f"{TOOLS / 'bin'}:{os.environ['PATH']}"}


def bill(metadata: dict[str, Any], pins: dict[str, Any]) -> dict[str, Any]:
    """The bill of materials, of what Cargo says and what is pinned."""
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
    """What Cargo says of the crates that are built for the deployment's platform."""
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
