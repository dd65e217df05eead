"""The readers of `docs/destinations` and the receiver of `docs/api.md`, run unchanged."""

import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

import urllib3

from infra.local import environments
from infra.local.calls import call
from infra.local.ports import LOOPBACK, free_ports
from tests.shown import block

_SECONDS: Final = 120.0


def program(page: str, mark: str = "reader") -> str:
    """Return the page's only fenced Python block with this mark."""
    return block(f"docs/destinations/{page}", mark, "python")


def run(text: str, folder: Path, environment: Mapping[str, str]) -> str:
    """Run the program to its end; return its output."""
    return subprocess.run(  # noqa: S603 - the documentation's own lines
        [sys.executable, "-c", text],
        cwd=folder,
        env={**environments.base(), **environment},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        timeout=_SECONDS,
    ).stdout


def rows_of_reader(
    page: str, folder: Path, environment: Mapping[str, str]
) -> list[tuple[str, str, int, str]]:
    """Run the page's reader to its end; return the stored job, chunk, row and body, sorted by row."""
    run(program(page), folder, environment)
    with closing(sqlite3.connect(folder / "rows.db")) as store:
        found = store.execute("SELECT job, chunk, CAST(row AS INTEGER), body FROM rows ORDER BY 3")
        return [(str(job), str(chunk), int(row), str(body)) for job, chunk, row, body in found]


@contextmanager
def receiver(folder: Path, secret: bytes) -> Iterator[str]:
    """Run the webhook receiver as a process that stores its batches in ``folder``; yield its URL."""
    shown = block("docs/api.md", "receiver", "python")
    (port,) = free_ports(1)
    environment = os.environb | {b"WEBHOOK_KEY": secret, b"PORT": b"%d" % port}
    command = [sys.executable, "-c", shown]
    with subprocess.Popen(command, cwd=folder, env=environment, stderr=subprocess.DEVNULL) as process:  # noqa: S603 - the documentation's own lines
        try:
            url = f"http://{LOOPBACK}:{port}/"
            _wait_until_answered(url)
            yield url
        finally:
            process.kill()


def _wait_until_answered(url: str) -> None:
    until = time.monotonic() + 60
    while True:
        try:
            call("GET", url, retries=False, timeout=5)
        except urllib3.exceptions.HTTPError:
            assert time.monotonic() < until, "the receiver does not start"
            time.sleep(0.05)
        else:
            return
