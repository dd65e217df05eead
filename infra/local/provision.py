"""Installs the pinned dependencies once: the Python environments and Kafka's jars.

Each folder has the hash of its inputs. If the hash matches, there is nothing to do. This module uses only the
standard library, because it creates the environment for everything else.
"""

from __future__ import annotations

import fcntl
import hashlib
import shutil
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from infra import native
from infra.local import jvm, prerequisites, toolchain
from infra.local.kafka_jars import FOLDER as KAFKA
from infra.local.kafka_jars import POM as KAFKA_POM

if TYPE_CHECKING:
    from collections.abc import Iterable
    from concurrent.futures import Future

ROOT = Path(__file__).parents[2]
CACHE = ROOT / ".cache"
_printing = threading.Lock()


def main() -> None:
    faults = prerequisites.missing()
    if faults:
        sys.exit("\n".join(faults))
    CACHE.mkdir(exist_ok=True)
    # Two terminals may run `make` in a fresh checkout at the same time.
    with (CACHE / "provision.lock").open("w") as lock, ThreadPoolExecutor() as pool:
        fcntl.flock(lock, fcntl.LOCK_EX)
        jobs = [
            pool.submit(_project),
            pool.submit(environment, CACHE / "snowflake", ROOT / "infra/local/snowflake/requirements.txt"),
        ]
        if toolchain.maven():  # without Maven the stack uses KAFKA_BOOTSTRAP
            jobs.append(pool.submit(_kafka))
        failures = failed(jobs)
        if failures:
            sys.exit("\n".join(failures))
        _class_archives()


def failed(jobs: Iterable[Future[None]]) -> list[str]:
    """Wait for all jobs. Return what made some of them fail."""
    return [str(failure) for job in jobs if (failure := job.exception())]


def _project() -> None:
    """Create the project's own environment, with the native crate if it can be built."""
    folder = ROOT / ".venv"
    environment(folder, ROOT / "requirements-dev.txt")
    lacking = native.lacking()
    stamp = Stamp(folder / "native", sys.version, lacking or "", *native.sources())
    if stamp.agrees():
        return
    stamp.remove()
    if lacking:
        say(f"{lacking}: rows are encoded in Python, at a third of the speed; everything else works")
        _run([*_pip(folder), "uninstall", "--yes", "backfills_native"])
    else:
        say("building the native encoder (two to five minutes, once)")
        interpreter = ["--interpreter", str(folder / "bin/python"), "--compatibility", "linux"]
        wheel = native.wheel(folder / "bin/maturin", CACHE / "wheels", *interpreter)
        _run([*_pip(folder), "install", "--no-deps", "--force-reinstall", str(wheel)])
    stamp.write()


def environment(folder: Path, requirements: Path) -> None:
    """Create a virtual environment of pinned packages with hashes."""
    stamp = Stamp(folder, sys.version, requirements.read_text())
    if stamp.agrees():
        return
    say(f"installing {requirements.relative_to(ROOT)} (about a minute, once)")
    # Update an environment that this Python completed. Recreate a partial one, or one of another Python.
    whole = stamp.exists() and _made_by_this_python(folder)
    stamp.remove()
    _run([sys.executable, "-m", "venv", *([] if whole else ["--clear"]), str(folder)])
    _run([*_pip(folder), "install", "--no-deps", "--require-hashes", "--requirement", str(requirements)])
    stamp.write()


def _pip(folder: Path) -> list[str]:
    return [str(folder / "bin/python"), "-m", "pip", "--disable-pip-version-check", "--quiet"]


def _made_by_this_python(folder: Path) -> bool:
    configuration = folder / "pyvenv.cfg"
    home = f"home = {Path(sys.executable).resolve().parent}"
    return configuration.is_file() and home in configuration.read_text().splitlines()


def _kafka() -> None:
    fetch(KAFKA, KAFKA_POM, "copy-dependencies", "Apache Kafka (44 MB, once)")


def _class_archives() -> None:
    """Let the Java programs start faster from now on."""
    programs = [toolchain.java(), toolchain.firestore_jar(), toolchain.pubsub_jar()]
    files = [Path(program).resolve() for program in programs if program]
    told = [f"{file} {file.stat().st_mtime_ns}" for file in files]
    # The folder too: an archive fits only the files of the paths that it was made with.
    stamp = Stamp(jvm.ARCHIVES, str(jvm.ARCHIVES), KAFKA_POM.read_text(), str(KAFKA.is_dir()), *told)
    if stamp.agrees():
        return
    stamp.remove()
    say("archiving the classes of Kafka and the emulators (twenty seconds, once)")
    try:
        _run([str(ROOT / ".venv/bin/python"), "-m", "infra.local.class_archives"])
    except RuntimeError as failure:
        say(f"{failure}\nThe stack works without these archives; its Java programs start more slowly.")
    else:
        stamp.write()


def fetch(folder: Path, pom: Path, goal: str, what: str) -> None:
    """Fetch what the pom depends on with Maven, which verifies the checksums."""
    stamp = Stamp(folder, pom.read_text())
    if stamp.agrees():
        return
    say(f"fetching {what}")
    shutil.rmtree(folder, ignore_errors=True)
    # A marker of Maven makes it skip an archive, even if the folder is gone: keep it in the folder.
    markers = f"-DmarkersDirectory={folder / '.markers'}"
    options = ["-DincludeScope=runtime", f"-DoutputDirectory={folder}", markers]
    maven = [toolchain.maven() or "mvn", "--batch-mode", "--quiet", "--strict-checksums", "--file", str(pom)]
    _run([*maven, f"dependency:{goal}", *options])
    stamp.write()


class Stamp:
    """The hash of a folder's inputs, stored in the folder."""

    def __init__(self, folder: Path, *sources: str) -> None:
        self._file = folder / ".made-from"
        self._hash = hashlib.sha256("\0".join(sources).encode()).hexdigest()

    def exists(self) -> bool:
        return self._file.is_file()

    def agrees(self) -> bool:
        return self.exists() and self._file.read_text() == self._hash

    def remove(self) -> None:
        self._file.unlink(missing_ok=True)

    def write(self) -> None:
        self._file.parent.mkdir(exist_ok=True)
        self._file.write_text(self._hash)


def _run(command: list[str]) -> None:
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")


def say(text: str) -> None:
    with _printing:
        print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
