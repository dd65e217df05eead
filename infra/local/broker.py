"""Apache Kafka on one node in KRaft mode: its settings, and the command that formats and runs it."""

import shlex
from pathlib import Path

from infra.local import jvm, kafka_jars, secure_kafka
from infra.local.ports import LOOPBACK

_LOGGING = Path(__file__).parent / "kafka" / "log4j2.properties"
_CLUSTER_ID = "bG9jYWwtYmFja2ZpbGxzMQ"  # any 16 bytes in base64

# One broker cannot hold three replicas. The internal topics have few partitions, which start faster. No
# other members join the groups, so the broker need not wait for them. A killed broker can return only after
# its old session has expired, by default after 9 s. Without other replicas, an idle controller need not
# write records.
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
    "metadata.max.idle.interval.ms": "0",
}


def settings(log_folder: Path, port: int, controller_port: int, advertised_port: int) -> dict[str, str]:
    """Return the broker's server.properties."""
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
    *,
    optimize: bool = False,
) -> tuple[str, ...]:
    """Write server.properties into the folder. Return the command that formats it once and runs Kafka.

    ``advertised_port``: the port to which the broker sends its clients, if it differs from the port itself;
    ``secured``: further listeners; ``optimize``: faster under a lasting load, but starts 1.2 s more slowly.
    """
    folder.mkdir(parents=True, exist_ok=True)
    properties = folder / "server.properties"
    values = settings(folder / "logs", port, controller_port, advertised_port or port)
    if secured is not None:
        values = secure_kafka.listeners(secured, values)
    lines = [f"{name}={value}" for name, value in values.items()]
    properties.write_text("\n".join(lines) + "\n")
    formatting = [*_program(jvm.QUICK_START), "kafka.tools.StorageTool", "format"]
    formatting += ["--ignore-formatted", "--cluster-id", _CLUSTER_ID, "--config", str(properties)]
    compiling = [] if optimize else [jvm.QUICK_START]
    serving = [*_program("-Xms256m", *compiling), "kafka.Kafka", str(properties)]
    # exec keeps the process id, so that the broker itself leads the group and ends with the supervisor.
    return ("/bin/sh", "-ec", f"{shlex.join(formatting)}\nexec {shlex.join(serving)}")


def _program(*options: str) -> list[str]:
    logging = f"-Dlog4j2.configurationFile={_LOGGING}"
    return [*jvm.command("kafka", "-Xmx512m", *options), logging, "-cp", f"{kafka_jars.FOLDER}/*"]
