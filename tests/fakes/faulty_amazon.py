"""A server before the stand-in of Amazon that answers as it can't: with Amazon's errors, or not at all."""

import socket
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs
from xml.sax.saxutils import escape

import urllib3

from infra.local.ports import LOOPBACK


@dataclass(frozen=True)
class Answer:
    """Of any status and body."""

    status: int
    body: str


def error(code: str, status: int = 400, message: str = "no") -> Answer:
    """As Amazon's query protocol says that it refuses a request."""
    return Answer(
        status,
        f"<ErrorResponse><Error><Type>Sender</Type><Code>{escape(code)}</Code>"
        f"<Message>{escape(message)}</Message></Error><RequestId>1</RequestId></ErrorResponse>",
    )


@dataclass(frozen=True)
class Partly:
    """The first so many messages of a request are taken, and the others fail with this code."""

    taken: int
    code: str
    sender_fault: bool = False


HANG, CUT = "hang", "cut"
Script = Answer | Partly | str


@dataclass
class FaultyAmazon:
    """Answers each call of an action by what the script says next, and hands on whatever it says nothing of.

    ``seen`` holds the parameters of each call.
    """

    upstream: str
    action: str = "PublishBatch"
    script: deque[Script] = field(default_factory=deque)
    always: Script | None = None
    seen: list[dict[str, str]] = field(default_factory=list)
    on_call: Callable[[], object] = lambda: None
    released: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> Self:
        self.http = urllib3.PoolManager(retries=False)
        handler = type("Handler", (_Handler,), {"faulty": self})
        self.server = ThreadingHTTPServer((LOOPBACK, 0), handler)
        self.server.daemon_threads = True
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.05,))
        self.thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.released.set()
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()
        self.http.clear()

    @property
    def url(self) -> str:
        return f"http://{LOOPBACK}:{self.server.server_port}"

    def messages(self) -> list[list[str]]:
        """The ids of the messages in each call."""
        return [
            [value for name, value in call.items() if name.endswith(".Id")]
            for call in self.seen
            if call["Action"] == "PublishBatch"
        ]


class _Handler(BaseHTTPRequestHandler):
    faulty: FaultyAmazon
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        call = {name: values[0] for name, values in parse_qs(body.decode()).items()}
        self.faulty.seen.append(call)
        self.faulty.on_call()
        said = self._said() if call["Action"] == self.faulty.action else None
        if said in {HANG, CUT}:
            if said == HANG:
                self.faulty.released.wait(60)
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
        elif isinstance(said, Partly):
            self._answer(200, _partly(call, said))
        elif isinstance(said, Answer):
            self._answer(said.status, said.body)
        else:
            kept = ("Authorization", "Content-Type", "X-Amz-Date", "X-Amz-Security-Token")
            headers = {name: self.headers[name] for name in kept if name in self.headers}
            answer = self.faulty.http.request("POST", self.faulty.upstream, body=body, headers=headers)
            self._answer(answer.status, answer.data.decode())

    def _said(self) -> Script | None:
        return self.faulty.script.popleft() if self.faulty.script else self.faulty.always

    def _answer(self, status: int, text: str) -> None:
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/xml")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Nothing to standard error."""


def _partly(call: dict[str, str], said: Partly) -> str:
    ids = [value for name, value in call.items() if name.endswith(".Id")]
    taken = "".join(
        f"<member><Id>{name}</Id><MessageId>m-{name}</MessageId></member>" for name in ids[: said.taken]
    )
    failed = "".join(
        f"<member><Id>{name}</Id><Code>{said.code}</Code><Message>no</Message>"
        f"<SenderFault>{str(said.sender_fault).lower()}</SenderFault></member>"
        for name in ids[said.taken :]
    )
    return (
        '<PublishBatchResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><PublishBatchResult>'
        f"<Successful>{taken}</Successful><Failed>{failed}</Failed></PublishBatchResult>"
        "<ResponseMetadata><RequestId>1</RequestId></ResponseMetadata></PublishBatchResponse>"
    )
