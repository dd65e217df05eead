"""Each bundle, unpacked beside nothing but its own requirements, starts and answers.

Its settings are those that the deployment gives it, with credentials that open nothing. Google's clients and
librdkafka are built for real, and ask nobody before there is something to ask.
"""

import base64
import importlib.util
import json
import os
import socket
import subprocess
import time
import zipfile
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from infra import bundle
from infra.local.calls import call
from infra.offline.build import ROOT
from infra.release import smoke
from tests.infra.conftest import Deploy
from tests.infra.told import FUNCTIONS, environment
from tests.unit.encoding.readers import NEEDS_NATIVE

_UV = ROOT / ".venv/bin/uv"
_CACHE = ROOT / ".cache/uv"
_READY_LIMIT = 120.0
# A function's answer if it has read the request and reaches no dependency.
_ANSWERS = {
    "api": ("GET", "/health", b"", 200),
    "stage": ("POST", "/", b"not an envelope", 204),
    "deliver": ("POST", "/", b"not an envelope", 204),
    "dead_letter": ("POST", "/", b"not an envelope", 204),
    "sweep": ("POST", "/", b"", 200),
}

Unpacked = Callable[[str], Path]


@pytest.fixture(scope="module")
def unpacked(bundles: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Unpacked]:
    """Return a folder with the unpacked bundle and a virtual environment of only its requirements."""

    def make(function: str) -> Path:
        folder = tmp_path_factory.mktemp(function)
        with zipfile.ZipFile(bundles / f"{function}.zip") as file:
            file.extractall(folder / "bundle")
        python = str(folder / "venv/bin/python")
        requirements = str(folder / "bundle/requirements.txt")
        for command in (
            ["venv", "--python", str(ROOT / ".venv/bin/python"), str(folder / "venv")],
            ["pip", "install", "--require-hashes", "--no-deps", "--python", python, "-r", requirements],
            # Google's build would install a package that the file does not list, without verifying it.
            ["pip", "check", "--python", python],
        ):
            subprocess.run([_UV, "--cache-dir", _CACHE, "--quiet", *command], check=True)
        return folder

    with ThreadPoolExecutor(max_workers=2) as pool:
        made = {function: pool.submit(make, function) for function in bundle.functions()}
        yield lambda function: made[function].result()


@pytest.fixture(scope="module")
def credentials(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a made-up service account's key file."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    content = {
        "type": "service_account",
        "client_email": "nobody@example.iam.gserviceaccount.com",
        "token_uri": "http://127.0.0.1:1/token",
        "private_key": key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        ).decode(),
    }
    path = tmp_path_factory.mktemp("credentials") / "key.json"
    path.write_text(json.dumps(content))
    return path


@contextmanager
def _running(folder: Path, settings: dict[str, str]) -> Iterator[str]:
    """Yield the function's URL while it runs."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = ["-m", "functions_framework", "--target", "handle", "--host", "127.0.0.1", "--port", str(port)]
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(
            [folder / "venv/bin/python", "-s", *command],
            cwd=folder / "bundle",
            env=settings,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        until = time.monotonic() + _READY_LIMIT
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            except OSError:
                assert process.poll() is None, (folder / "log").read_text()
                assert time.monotonic() < until, (folder / "log").read_text()
                time.sleep(0.05)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(timeout=60)


def _caller(settings: Mapping[str, str]) -> dict[str, str]:
    """Return a call's token as Cloud Run passes it on: verified, without its signature."""
    now = int(time.time())
    claims = {
        "iss": "https://accounts.google.com",
        "aud": settings.get("PUSH_AUDIENCE"),
        "email": settings.get("PUSH_SERVICE_ACCOUNT"),
        "email_verified": True,
        "iat": now,
        "exp": now + 3600,
    }
    parts = [
        base64.urlsafe_b64encode(json.dumps(part).encode()).decode() for part in ({"alg": "RS256"}, claims)
    ]
    return {"Authorization": f"Bearer {'.'.join(parts)}.SIGNATURE_REMOVED_BY_GOOGLE"}


@NEEDS_NATIVE
def test_a_bundle_with_the_native_encoder_finds_it(unpacked: Unpacked, tmp_path: Path) -> None:
    """The package that setup built, with only the function's requirements."""
    installed = importlib.util.find_spec("backfills_native")
    assert installed
    assert installed.origin
    written = bundle.write("deliver", tmp_path, native=Path(installed.origin).parents[1])
    with zipfile.ZipFile(written) as file:
        file.extractall(tmp_path / "bundle")
    said = subprocess.run(
        [
            unpacked("deliver") / "venv/bin/python",
            "-s",
            "-c",
            "from shared import encoding as e; print(e.NATIVE_INSTALLED)",
        ],
        cwd=tmp_path / "bundle",
        env={"PATH": os.defpath},
        capture_output=True,
        text=True,
        check=True,
    )
    assert said.stdout == "True\n"


@pytest.mark.emulator
@pytest.mark.parametrize("function", bundle.functions())
def test_a_bundle_starts_and_answers_with_its_own_requirements_alone(
    deployed: Deploy, unpacked: Unpacked, credentials: Path, firestore_host: str, *, function: str
) -> None:
    (name, *_) = [name for name, bundled in FUNCTIONS.items() if bundled == function]
    settings = environment(deployed("prod").functions()[name])
    folder = unpacked(function)
    settings |= {
        "K_SERVICE": f"backfills-{name}",
        "PATH": os.defpath,
        "XDG_RUNTIME_DIR": str(folder),
        "GOOGLE_APPLICATION_CREDENTIALS": str(credentials),
        "FIRESTORE_EMULATOR_HOST": firestore_host,
        "KAFKA_CLIENT": json.dumps({"bootstrap.servers": "127.0.0.1:1"}),
        "SNOWFLAKE_CONNECT": json.dumps({"account": "nobody", "user": "nobody", "private_key": "none"}),
    }
    method, path, body, status = _ANSWERS[function]
    with _running(folder, settings) as url:
        if function != "api":
            refused = call(method, url + path, body=body, retries=False)
            assert refused.status == HTTPStatus.FORBIDDEN
        headers = _caller(settings)
        answer = call(method, url + path, body=body, headers=headers, retries=False)
        if function == "api":
            smoke.main([url], patience=10)
            page = call("GET", f"{url}/console/", retries=False)
            assert (page.status, page.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert answer.status == status, f"{answer.data.decode()}\n{(folder / 'log').read_text()}"
