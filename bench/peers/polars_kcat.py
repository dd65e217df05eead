"""polars and kcat: lines of key, tab and JSON, piped into kcat, which sends them in a transaction."""

import subprocess
import uuid
from collections.abc import Mapping
from typing import Any

import polars as pl

from bench.peers.installed import kcat
from bench.peers.polars import encoded


def send(path: str, settings: Mapping[str, Any], topic: str) -> None:
    properties = {**settings, "transactional.id": uuid.uuid4()}
    options = [f"-X{name}={str(value).lower()}" for name, value in properties.items()]
    command = [kcat() or "kcat", "-q", "-P", "-t", topic, "-K", "\t", *options]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as running:
        assert running.stdin
        lines = encoded(path).select(pl.concat_str("key", "text", separator="\t"))
        lines.write_csv(running.stdin, include_header=False, quote_style="never")
    if running.returncode != 0:
        raise RuntimeError(f"{command} ended with {running.returncode}")
