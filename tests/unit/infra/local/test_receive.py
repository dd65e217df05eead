"""`python -m infra.local.receive` prints rows, and says plainly what it can't do."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import Message
from http import HTTPStatus
from pathlib import Path

import pytest

from infra.local import receive
from infra.local.calls import call
from infra.local.ports import free_ports
from infra.local.receiver import Batch, is_signed, serve
from shared.destinations.webhook.compression import GZIP, ZSTD, compressed
from shared.destinations.webhook.request import headers_of

SECRET = b"made-up"
BODY = b'[{"row": 1}, {"row": 2}]'


def headers(body: bytes = BODY, secret: bytes | None = SECRET) -> dict[str, str]:
    return headers_of(body, identifier="batch-1", timestamp=1_770_000_000, nonce="nonce", secret=secret)


@contextmanager
def receiving(*, signed: bool) -> Iterator[str]:
    server = serve(receive.Batches(signed=signed).take, SECRET)
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()


def post(url: str, body: bytes = BODY, **changes: str) -> int:
    sent = headers(body) | {name.replace("_", "-"): value for name, value in changes.items()}
    return int(call("POST", url, body=body, headers=sent, retries=False).status)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("STACK_DIR", str(tmp_path))
    return tmp_path


def write(folder: Path) -> None:
    (port,) = free_ports(1)
    described = {
        "organization_id": "acme",
        "kafka_bootstrap": f"127.0.0.1:{port}",
        "webhook_secret": {"name": "WEBHOOK_KEY", "value": "made-up"},
    }
    (folder / "endpoints.json").write_text(json.dumps(described))


@pytest.mark.parametrize("how", [None, GZIP, ZSTD])
def test_a_batch_is_printed_once_whatever_its_compression(
    how: str | None, capsys: pytest.CaptureFixture[str]
) -> None:
    sent = headers() | ({"Content-Encoding": how} if how else {})
    with receiving(signed=True) as url:
        for _ in range(2):
            answer = call("POST", url, body=compressed(BODY, how), headers=sent, retries=False)
            assert answer.status == HTTPStatus.NO_CONTENT
    shown = capsys.readouterr()
    assert [json.loads(line) for line in shown.out.splitlines()] == [{"row": 1}, {"row": 2}]
    assert shown.err.splitlines() == [
        "webhook-id batch-1: 2 rows, both signatures are valid",
        "webhook-id batch-1: 2 rows, both signatures are valid, a repeat, dropped",
    ]


@pytest.mark.parametrize("name", ["X-Signature-256", "webhook-signature"])
def test_each_of_the_two_signatures_counts(name: str) -> None:
    given = Message()
    for header, value in (headers() | {name: headers(b"[]")[name]}).items():
        given[header] = value
    assert not is_signed(given, BODY, SECRET)


def test_a_batch_without_a_valid_signature_is_refused_only_if_there_is_a_hash_key(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with receiving(signed=True) as url:
        assert post(url, webhook_signature="v1,") == HTTPStatus.UNAUTHORIZED
    shown = capsys.readouterr()
    assert (shown.out, shown.err) == ("", "webhook-id batch-1: refused, its signatures are not valid\n")
    with receiving(signed=False) as url:
        assert post(url, webhook_signature="v1,") == HTTPStatus.NO_CONTENT
    shown = capsys.readouterr()
    assert (len(shown.out.splitlines()), shown.err) == (2, "webhook-id batch-1: 2 rows\n")


@pytest.mark.parametrize("body", [b"{}", b"no JSON", b"\xff"])
def test_what_is_no_array_is_refused(body: bytes, capsys: pytest.CaptureFixture[str]) -> None:
    with receiving(signed=False) as url:
        assert post(url, body) == HTTPStatus.BAD_REQUEST
    assert capsys.readouterr().err == "webhook-id batch-1: refused, it is no JSON array\n"


def test_a_batch_that_could_not_be_printed_is_not_acknowledged(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_lines: object) -> None:
        raise BrokenPipeError

    monkeypatch.setattr(receive, "_print", broken)
    batches = receive.Batches(signed=False)
    batch = Batch("batch-1", is_signed=False, body=BODY)
    assert batches.take(batch) == HTTPStatus.SERVICE_UNAVAILABLE
    assert isinstance(batches.failures.get_nowait(), BrokenPipeError)
    monkeypatch.undo()
    assert batches.take(batch) == HTTPStatus.NO_CONTENT


@pytest.mark.parametrize("source", ["kafka:transfers", "webhook"])
def test_without_a_stack_it_says_how_to_start_one(
    source: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert receive.main([source]) == 1
    assert capsys.readouterr().err == (
        f"No stack runs in {folder}: start one with `make stack`, or set STACK_DIR to its folder\n"
    )


def test_a_secret_that_the_stack_lacks_is_named(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(folder)
    assert receive.main(["webhook", "--hash-key", "OTHER"]) == 1
    assert "no secret OTHER for signatures: its name is WEBHOOK_KEY" in capsys.readouterr().err


def test_a_port_in_use_is_named(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(folder)
    with receiving(signed=False) as url:
        port = url.rstrip("/").rpartition(":")[2]
        assert receive.main([f"webhook:{port}"]) == 1
    assert f"Port {port} of 127.0.0.1 can't be used" in capsys.readouterr().err


def test_a_broker_that_is_gone_is_named(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A stack that was killed leaves its file behind."""
    write(folder)
    monkeypatch.setattr("infra.local.topic._QUIET_SECONDS", 0.2)
    assert receive.main(["kafka:transfers"]) == 1
    assert "The stack's Kafka at 127.0.0.1:" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [
        ["kafka"],
        ["kafka:"],
        ["webhook:http"],
        ["webhook:"],
        ["nats:transfers"],
        ["webhook", "--limit", "1"],
        ["kafka:transfers", "--hash-key", "WEBHOOK_KEY"],
        ["kafka:transfers", "--limit", "many"],
        ["kafka:transfers", "--limit", "-1"],
    ],
)
def test_other_arguments_are_refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        receive.main(arguments)
    assert ended.value.code == 2
    assert "usage: python -m infra.local.receive" in capsys.readouterr().err
