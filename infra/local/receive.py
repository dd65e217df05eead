"""Print the rows that arrive from the local stack, one JSON object per line.

    .venv/bin/python -m infra.local.receive kafka:NAME [--limit N]
    .venv/bin/python -m infra.local.receive webhook[:PORT] [--hash-key NAME]

`kafka` reads the topic of the stack's first organization from its beginning, as a consumer that sees only
committed rows, and waits for further ones. `webhook` starts a receiver, drops repeated batches, and refuses
(401) batches without valid signatures if the destination has a hash key. Rows go to standard output,
everything else to standard error. Ctrl-C ends both.
"""

import argparse
import itertools
import json
import os
import queue
import signal
import sys
import threading
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from http import HTTPStatus
from typing import Any

from confluent_kafka import KafkaException

from infra.local import topic
from infra.local.options import OptionError, from_environment
from infra.local.ports import LOOPBACK
from infra.local.receiver import Batch, serve

_INTERRUPTED = 130


class ReceiveError(Exception):
    """What the program can't do, and what the user does about it."""


def main(arguments: Sequence[str] | None = None) -> int:
    try:
        asked = _parser().parse_args(arguments)
        kind, _, name = asked.source.partition(":")
        if kind == "kafka" and name and asked.hash_key is None:
            _show_topic(_endpoints(), name, asked.limit)
        elif kind == "webhook" and asked.limit is None and (name.isdecimal() or asked.source == kind):
            _show_batches(_endpoints(), int(name or 0), asked.hash_key)
        else:
            _parser().error(
                "give kafka:NAME with or without --limit, or webhook[:PORT] with or without --hash-key"
            )
    except (ReceiveError, OptionError) as failure:
        print(failure, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return _INTERRUPTED
    except BrokenPipeError:
        # The reader of the output has enough. Otherwise Python would complain about it once more at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m infra.local.receive", description="Print the rows that arrive from the local stack."
    )
    parser.add_argument("source", help="kafka:NAME, the destination's name; or webhook, or webhook:PORT")
    parser.add_argument("--limit", type=_count, metavar="N", help="of kafka: end after this many rows")
    parser.add_argument("--hash-key", metavar="NAME", help="of webhook: the secret that signs the batches")
    return parser


def _count(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number")
    return int(text)


def _endpoints() -> Mapping[str, Any]:
    folder = from_environment().folder
    try:
        found: dict[str, Any] = json.loads((folder / "endpoints.json").read_text())
    except FileNotFoundError:
        raise ReceiveError(
            f"No stack runs in {folder}: start one with `make stack`, or set STACK_DIR to its folder"
        ) from None
    return found


def _show_topic(endpoints: Mapping[str, Any], name: str, limit: int | None) -> None:
    bootstrap = endpoints["kafka_bootstrap"]
    messages = topic.endlessly(bootstrap, f"beam.{endpoints['organization_id']}.{name}")
    with closing(messages):
        try:
            # A value that is no text, such as Avro, is shown with escapes.
            _print(value.decode(errors="backslashreplace") for _, value in itertools.islice(messages, limit))
        except KafkaException as error:
            raise ReceiveError(
                f"The stack's Kafka at {bootstrap} does not answer: {error.args[0].str()}"
            ) from None


def _show_batches(endpoints: Mapping[str, Any], port: int, hash_key: str | None) -> None:
    batches = Batches(signed=hash_key is not None)
    try:
        server = serve(batches.take, _secret(endpoints, hash_key), port)
    except (OSError, OverflowError) as error:
        raise ReceiveError(f"Port {port} of {LOOPBACK} can't be used: {error}") from None
    signing = f",hash_key={hash_key}" if hash_key else ""
    _say(f"--to webhook:NAME,url=http://{LOOPBACK}:{server.server_port}/{signing}")
    try:
        raise batches.failures.get()
    finally:
        server.shutdown()
        server.server_close()


class Batches:
    """Prints each batch before it is acknowledged, and once. ``signed``: both signatures must be valid."""

    def __init__(self, *, signed: bool) -> None:
        self.failures: queue.SimpleQueue[BrokenPipeError] = queue.SimpleQueue()
        self._signed = signed
        self._seen: set[str] = set()
        self._lock = threading.Lock()

    def take(self, batch: Batch) -> int:
        """Return the answer's status."""
        with self._lock:
            try:
                return self._shown(batch)
            except BrokenPipeError as error:
                self.failures.put(error)
                return HTTPStatus.SERVICE_UNAVAILABLE

    def _shown(self, batch: Batch) -> int:
        name = f"webhook-id {batch.webhook_id}"
        if self._signed and not batch.is_signed:
            _say(f"{name}: refused, its signatures are not valid")
            return HTTPStatus.UNAUTHORIZED
        if not _is_array(batch.body):
            _say(f"{name}: refused, it is no JSON array")
            return HTTPStatus.BAD_REQUEST
        rows = json.loads(batch.body)
        valid = ", both signatures are valid" if self._signed else ""
        if batch.webhook_id in self._seen:
            _say(f"{name}: {len(rows):,} rows{valid}, a repeat, dropped")
        else:
            _say(f"{name}: {len(rows):,} rows{valid}")
            _print(json.dumps(row, ensure_ascii=False) for row in rows)
            self._seen.add(batch.webhook_id)
        return HTTPStatus.NO_CONTENT


def _is_array(body: bytes) -> bool:
    try:
        return isinstance(json.loads(body), list)
    except ValueError:
        return False


def _secret(endpoints: Mapping[str, Any], name: str | None) -> bytes:
    """Return the secret of the stack's first organization; without a name, an empty one."""
    if name is None:
        return b""
    own = endpoints["webhook_secret"]
    if name != own["name"]:
        raise ReceiveError(f"The stack has no secret {name} for signatures: its name is {own['name']}")
    return str(own["value"]).encode()


def _print(lines: Iterable[str]) -> None:
    for line in lines:
        print(line, flush=True)


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    # A shell that starts it in the background, as tests may, makes it ignore this signal.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    sys.exit(main())
