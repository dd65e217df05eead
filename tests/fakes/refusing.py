"""Servers that answer every request in one way, for what a real one does only to whoever breaks it."""

import json
import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import grpc

from infra.local.ports import LOOPBACK


@contextmanager
def refusing_http(status: int, reason: str = "", headers: Mapping[str, str] | None = None) -> Iterator[str]:
    """The URL of one that answers with this status, and with the ``reason`` as Google's JSON has it."""
    error = {"code": status, "message": "secret words\n", "errors": [{"reason": reason}]}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            body = json.dumps({"error": error}).encode()
            self.send_response(status)
            for name, value in {**(headers or {}), "Content-Type": "application/json"}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_PUT = do_GET  # noqa: N815 - the library's names

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
            pass

    server = ThreadingHTTPServer((LOOPBACK, 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://{LOOPBACK}:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Refusing(grpc.GenericRpcHandler):  # type: ignore[misc]  # it ships no types
    def __init__(self, code: grpc.StatusCode, hold: threading.Event | None) -> None:
        self._code = code
        self._hold = hold
        self.calls = 0

    def service(self, _details: object) -> grpc.RpcMethodHandler:
        return grpc.unary_unary_rpc_method_handler(self._refuse)

    def _refuse(self, _request: bytes, context: grpc.ServicerContext) -> bytes:
        self.calls += 1
        if self._hold is not None:
            self._hold.wait(60)
        context.abort(self._code, "secret words\n")
        return b""


@contextmanager
def refusing_grpc(
    code: grpc.StatusCode, hold: threading.Event | None = None
) -> Iterator[tuple[str, _Refusing]]:
    """``host:port`` of one that answers every call with this code, once ``hold`` is set if there is one."""
    handler = _Refusing(code, hold)
    server = grpc.server(ThreadPoolExecutor(8), handlers=[handler])
    port = server.add_insecure_port(f"{LOOPBACK}:0")
    server.start()
    try:
        yield f"{LOOPBACK}:{port}", handler
    finally:
        if hold is not None:
            hold.set()
        server.stop(None).wait()
