"""Fuzz the native encoder: ``python -m tests.fuzz [MINUTES]``, by default an hour, one core for each target.

What it tries is in ``native/fuzz/src/lib.rs``. It needs cargo-fuzz. The corpus stays in ``.cache/fuzz``; an
input that breaks something stays there too, and is named at the end.
"""

import argparse
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import IO

from hypothesis import HealthCheck, given, settings

from infra import native
from tests.unit.encoding.tables import Staged, staged_files

FOLDER = native.ROOT / ".cache" / "fuzz"
_SEEDS = 200
_LARGEST = 16 * 1024  # bytes of an input
_TEXTS = (
    b"",
    b"null",
    b'{"a":[1,-2.5e+3,"\\u00e9\\n"]}',
    b" [ ] ",
    b'"\\ud83d\\ude80"',
    "🚀\x00\x1f".encode(),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("minutes", nargs="?", type=float, default=60.0)
    minutes = parser.parse_args().minutes
    if fault := _lacking():
        sys.exit(fault)
    native.lock(native.FUZZ)
    FOLDER.mkdir(parents=True, exist_ok=True)
    _write_seeds("files", _files())
    _write_seeds("strings", _TEXTS)
    targets = ("files", "strings")
    if any(_cargo("build", target) != 0 for target in targets):
        sys.exit("the fuzzer does not compile")
    with ThreadPoolExecutor() as pool:
        good = list(pool.map(lambda target: _run(target, round(minutes * 60)), targets))
    sys.exit(0 if all(good) else 1)


def _lacking() -> str | None:
    if fault := native.lacking():
        return fault
    if shutil.which("cargo-fuzz") is None:
        return "cargo-fuzz is missing: cargo install cargo-fuzz --locked"
    return None


def _files() -> Iterable[bytes]:
    made: list[bytes] = []

    @settings(max_examples=_SEEDS, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
    @given(staged=staged_files())
    def collect(staged: Staged) -> None:
        made.append(staged.file.getvalue())

    collect()
    return (content for content in made if len(content) <= _LARGEST)


def _write_seeds(target: str, seeds: Iterable[bytes]) -> None:
    corpus = FOLDER / target
    corpus.mkdir(exist_ok=True)
    for number, seed in enumerate(seeds):
        (corpus / f"seed-{number:03}").write_bytes(seed)


def _cargo(action: str, target: str, *arguments: str, output: IO[bytes] | None = None) -> int:
    """Run cargo-fuzz, which wants a nightly compiler for its sanitizer, or this variable."""
    environment = {**os.environ, "RUSTC_BOOTSTRAP": "1", "CARGO_TARGET_DIR": str(FOLDER / "target")}
    folder = ["--fuzz-dir", str(native.FUZZ)]
    command = ["cargo", "fuzz", action, *folder, target, *arguments]
    return subprocess.run(command, env=environment, stdout=output, stderr=output, check=False).returncode


def _run(target: str, seconds: int) -> bool:
    log = FOLDER / f"{target}.log"
    artifacts = FOLDER / "found" / target
    artifacts.mkdir(parents=True, exist_ok=True)
    limits = [
        f"-max_total_time={seconds}",
        f"-max_len={_LARGEST}",
        "-rss_limit_mb=4096",
        "-print_final_stats=1",
    ]
    options = [*limits, f"-artifact_prefix={artifacts}/"]
    with log.open("wb") as output:
        status = _cargo("run", target, str(FOLDER / target), "--", *options, output=output)
    tail = log.read_text(errors="replace").splitlines()[-12:]
    print(f"{target}: {'nothing found' if status == 0 else f'FOUND, see {log} and {artifacts}'}")
    print("\n".join(line for line in tail if line.startswith(("stat::number", "Done"))), flush=True)
    return status == 0


if __name__ == "__main__":
    main()
