"""Apache Kafka on one node in KRaft mode: its settings, and the command that formats and runs it."""

import shlex
from pathlib import Path

from infra.local import kafka_jars, secure_kafka, toolchain
from infra.local.ports import LOOPBACK

_LOGGING = Path(__file__).parent / "kafka" / "log4j2.properties"
_CLUSTER_ID = "bG9jYWwtYmFja2ZpbGxzMQ"  # any 16 bytes in base64

# One broker can't hold three replicas; few partitions of the internal topics start faster; nobody else
# joins the groups, so nobody waits for them. A killed broker may come back only when its old session
# has run out, after 9 s by default.
_SETTINGS = {
    "process.roles": "broker,controller",
    "node.id": "1",
    "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
    "controller.listener.names": "CONTROLLER",
    "inter.broker.listener.name": "PLAINTEXT",
    "auto.create.topics.enable": "false",
    "default.replication.factor": "1",
    "min.insync.replicas": "1",
    "offsets.topic.replication.factor": "1",
    "offsets.topic.num.partitions": "4",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "transaction.state.log.num.partitions": "4",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
    "group.initial.rebalance.delay.ms": "0",
    "broker.session.timeout.ms": "3000",
    "broker.heartbeat.interval.ms": "500",
}


def java() -> str:
    """Path of the java command."""
    return toolchain.java() or "java"


def settings(log_folder: Path, port: int, controller_port: int, advertised_port: int) -> dict[str, str]:
    """The broker's server.properties."""
    controller = f"{LOOPBACK}:{controller_port}"
    return _SETTINGS | {
        "controller.quorum.voters": f"1@{controller}",
        "listeners": f"PLAINTEXT://{LOOPBACK}:{port},CONTROLLER://{controller}",
        "advertised.listeners": f"PLAINTEXT://{LOOPBACK}:{advertised_port}",
        "log.dirs": str(log_folder),
    }


def command(
    folder: Path,
    port: int,
    controller_port: int,
    advertised_port: int | None = None,
    secured: secure_kafka.Secured | None = None,
) -> tuple[str, ...]:
    """Write server.properties into the folder; the answered command formats it once and runs Kafka.

    ``advertised_port`` is where clients are sent that came to the port, if not to the port itself;
    ``secured``: for further listeners.
    """
    folder.mkdir(parents=True, exist_ok=True)
    properties = folder / "server.properties"
    values = settings(folder / "logs", port, controller_port, advertised_port or port)
    if secured is not None:
        values = secure_kafka.listeners(secured, values)
    lines = [f"{name}={value}" for name, value in values.items()]
    properties.write_text("\n".join(lines) + "\n")
    # Formatting is over in a second: optimizing it would take longer than running it.
    formatting = [*_program("-XX:TieredStopAtLevel=1"), "kafka.tools.StorageTool", "format"]
    formatting += ["--ignore-formatted", "--cluster-id", _CLUSTER_ID, "--config", str(properties)]
    serving = [*_program("-Xms256m", "-Xmx512m"), "kafka.Kafka", str(properties)]
    # exec keeps the process id, so that the broker itself leads the group and dies with the supervisor.
    return ("/bin/sh", "-ec", f"{shlex.join(formatting)}\nexec {shlex.join(serving)}")


def _program(*options: str) -> list[str]:
    jars = f"{kafka_jars.FOLDER}/*"
    return [java(), "-XX:+UseSerialGC", f"-Dlog4j2.configurationFile={_LOGGING}", *options, "-cp", jars]
