"""The native crate: ``python -m infra.native --pin`` pins the newest crates that Cargo.toml allows, and
``--lint`` runs rustfmt and clippy if cargo is installed.

``native/Cargo.pins`` has each crate's version and checksum. It is Cargo's lock file without the crates'
sources; Cargo itself supplies them when the lock file is generated. Uses only the standard library.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

ROOT = Path(__file__).parents[1]
CRATE = ROOT / "native"
TARGET = ROOT / ".cache" / "native"
FUZZ = CRATE / "fuzz"  # a crate of its own: tests/fuzz
_MANIFEST = CRATE / "Cargo.toml"
_PINS = CRATE / "Cargo.pins"
_SOURCE = re.compile(r'^source = ".*"\n', re.MULTILINE)


def lacking() -> str | None:
    """Return what this machine lacks to build the crate, or None if it can."""
    (oldest,) = re.findall(r'^rust-version = "(\d+)\.(\d+)"', _MANIFEST.read_text(), re.MULTILINE)
    wanted = f"Rust {'.'.join(oldest)} or newer"
    cargo = shutil.which("cargo")
    if cargo is None:
        return f"{wanted} is missing (cargo)"
    banner = subprocess.run([cargo, "--version"], capture_output=True, text=True, check=False).stdout
    found = re.match(r"cargo (\d+)\.(\d+)", banner)
    if found is None or tuple(map(int, found.groups())) < tuple(map(int, oldest)):
        return f"{wanted} is missing ({cargo} says {banner.strip() or 'nothing'})"
    return None


def sources() -> list[str]:
    """Return all files that the crate is built from."""
    files = [_MANIFEST, _PINS, CRATE / "pyproject.toml", *CRATE.glob("*.pyi"), *CRATE.glob("src/*.rs")]
    return [file.read_text() for file in sorted(files)]


def wheel(maturin: Path, into: Path, *options: str, settings: Mapping[str, str] | None = None) -> Path:
    """Build the wheel into a folder, which then contains nothing else; return its path."""
    lock()
    shutil.rmtree(into, ignore_errors=True)
    arguments = ["--release", "--locked", "--manifest-path", str(_MANIFEST), "--out", str(into)]
    _run([str(maturin), "build", *arguments, *options], settings)
    (built,) = into.glob("*.whl")
    return built


def lock(crate: Path = CRATE) -> None:
    """Write Cargo's lock file with exactly the pinned crates."""
    file = _newest(crate)
    (source,) = set(_SOURCE.findall(file.read_text()))
    pins = (crate / "Cargo.pins").read_text()
    file.write_text(re.sub("^checksum = ", f"{source}checksum = ", pins, flags=re.MULTILINE))


def pin() -> None:
    for crate in (CRATE, FUZZ):
        (crate / "Cargo.pins").write_text(_SOURCE.sub("", _newest(crate).read_text()))


def _newest(crate: Path) -> Path:
    """Return a lock file with the newest crates that the manifest allows."""
    file = crate / "Cargo.lock"
    file.unlink(missing_ok=True)
    _run(["cargo", "generate-lockfile", "--quiet", "--manifest-path", str(crate / "Cargo.toml")])
    return file


def lint() -> None:
    if fault := lacking():
        print(f"{fault}: the native crate is not checked", file=sys.stderr)
        return
    lock()
    manifest = ["--manifest-path", str(_MANIFEST)]
    for crate in (CRATE, FUZZ):
        _run(["cargo", "fmt", "--check", "--manifest-path", str(crate / "Cargo.toml")])
    _run(["cargo", "clippy", "--quiet", "--release", "--locked", *manifest, "--", "--deny", "warnings"])


def _run(command: list[str], settings: Mapping[str, str] | None = None) -> None:
    settings = {**os.environ, "CARGO_TARGET_DIR": str(TARGET), **(settings or {})}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=settings)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")


def main(arguments: Sequence[str]) -> None:
    actions = {"--pin": pin, "--lint": lint}
    if len(arguments) != 1 or arguments[0] not in actions:
        sys.exit(__doc__)
    try:
        actions[arguments[0]]()
    except RuntimeError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main(sys.argv[1:])
