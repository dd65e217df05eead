"""A local Snowflake that unloads to a GCS server, used through the application's own connector."""

import io
import itertools
import json
import os
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import snowflake.connector
import urllib3

from infra.local import names
from infra.local.options import ROOT
from infra.local.ports import LOOPBACK, accepts, free_ports

STAGE = '@"BASE"."ASSETS"."STAGED_CHUNKS"'


def wait_until(condition: Callable[[], bool], seconds: float = 20) -> float:
    """Wait for a condition; return how long it took, in seconds."""
    start = time.monotonic()
    while not condition():
        if time.monotonic() - start > seconds:
            raise TimeoutError(f"not so within {seconds} s")
        time.sleep(0.01)
    return time.monotonic() - start


@dataclass(frozen=True)
class LocalSnowflake:
    """The server, and the bucket that it unloads to."""

    url: str
    port: int
    gcs_url: str
    _http: urllib3.PoolManager = field(default_factory=urllib3.PoolManager)
    _numbers: "itertools.count[int]" = field(default_factory=itertools.count)

    def connect(self, **options: Any) -> Any:
        """Log in like the application."""
        return snowflake.connector.connect(
            account="local",
            user="backfills",
            password="local",
            protocol="http",
            host=LOOPBACK,
            port=self.port,
            database="BASE",
            schema="ASSETS",
            enable_server_session_keep_alive_auto_detection=True,
            **options,
        )

    def control(self, route: str, **body: Any) -> None:
        answer = self._http.request("POST", f"{self.url}/local/{route}", body=json.dumps(body))
        assert answer.status == 200, answer.data

    def unloads(self) -> list[dict[str, Any]]:
        """Return the server's list of unloads."""
        unloads: list[dict[str, Any]] = json.loads(
            self._http.request("GET", f"{self.url}/local/queries").data
        )
        return unloads

    def send(self, token: str, request_id: str, text: str) -> dict[str, Any]:
        """Send a statement with the caller's request id, which the connector does not offer."""
        answer: dict[str, Any] = json.loads(
            self._http.request(
                "POST",
                f"{self.url}/queries/v1/query-request?requestId={request_id}",
                headers={"Authorization": f'Snowflake Token="{token}"'},
                body=json.dumps({"sqlText": text}),
            ).data
        )
        return answer

    def log_in(self) -> str:
        """Log in without a connector; return the token."""
        body = json.dumps({"data": {"SESSION_PARAMETERS": {}}})
        answer = json.loads(
            self._http.request("POST", f"{self.url}/session/v1/login-request", body=body).data
        )
        return str(answer["data"]["token"])

    def read(self, name: str) -> pa.Table:
        """Read a file of an unload."""
        path = name.replace("/", "%2F")
        answer = self._http.request("GET", f"{self.gcs_url}/storage/v1/b/{names.BUCKET}/o/{path}?alt=media")
        assert answer.status == 200
        return pq.read_table(io.BytesIO(answer.data))

    def files(self, prefix: str) -> list[str]:
        answer = self._http.request("GET", f"{self.gcs_url}/storage/v1/b/{names.BUCKET}/o?prefix={prefix}")
        return [item["name"] for item in json.loads(answer.data).get("items", [])]

    def prefix(self) -> str:
        """Return a path that no unload has written to."""
        return f"acme/job-{next(self._numbers)}/1/"

    def copy(self, select: str, prefix: str, max_bytes: int = 16_777_216) -> str:
        """Return the unload statement in the staging function's form."""
        return (
            f"COPY INTO {STAGE}/{prefix} FROM ({select}) FILE_FORMAT = (TYPE = PARQUET COMPRESSION = SNAPPY) "
            "HEADER = TRUE INCLUDE_QUERY_ID = TRUE DETAILED_OUTPUT = TRUE "
            f"MAX_FILE_SIZE = {max_bytes}"
        )

    def unload(self, cursor: Any, select: str, **options: Any) -> list[pa.Table]:
        """Run an unload to a new path; return its files' content."""
        cursor.execute(self.copy(select, self.prefix(), **options))
        return [self.read(name) for name, _, _ in cursor.fetchall()]


@pytest.fixture(scope="session")
def local_snowflake(gcs_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalSnowflake]:
    """Start the server with the stage, without tables."""
    (port,) = free_ports(1)
    command = [str(ROOT / ".cache/snowflake/bin/python"), str(ROOT / "infra/local/snowflake/server.py")]
    log = Path(tmp_path_factory.mktemp("snowflake"), "log")
    with log.open("wb") as output:
        process = subprocess.Popen(  # noqa: S603 - our own server
            [*command, "--port", str(port)],
            env={**os.environ, "STORAGE_EMULATOR_HOST": gcs_url},
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        wait_until(lambda: accepts(port) or process.poll() is not None, seconds=90)
        assert process.poll() is None, log.read_text()
        server = LocalSnowflake(f"http://{LOOPBACK}:{port}", port, gcs_url)
        with closing(server.connect()) as connection, connection.cursor() as cursor:
            cursor.execute(f"CREATE STAGE {names.SNOWFLAKE_STAGE} URL = 'gcs://{names.BUCKET}/'")
        yield server
    finally:
        process.terminate()
        process.wait()


@pytest.fixture
def connect(local_snowflake: LocalSnowflake) -> Iterator[Callable[..., Any]]:
    """Log in; close every session after the test."""
    with ExitStack() as sessions:
        yield lambda **options: sessions.enter_context(closing(local_snowflake.connect(**options)))


@pytest.fixture
def cursor(connect: Callable[..., Any]) -> Any:
    return connect().cursor()


@pytest.fixture
def slow_unloads(local_snowflake: LocalSnowflake) -> Iterator[None]:
    """Make unloads take a minute longer."""
    local_snowflake.control("unload-delay", seconds=60)
    yield
    local_snowflake.control("unload-delay", seconds=0)
