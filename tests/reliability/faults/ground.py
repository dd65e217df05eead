"""A stack whose functions reach every dependency through a proxy that injects faults on demand."""

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path

from infra.local import environments
from infra.local.options import BACKENDS, EXTRAS
from infra.local.ports import LOOPBACK, free_ports
from infra.local.supervisor import LocalStack
from tests.reliability.chaos.ground import Ground, options, prepare
from tests.reliability.chaos.inbox import Inbox
from tests.reliability.faults.gate import Gate
from tests.reliability.faults.proxy import Fault, Proxy

RECEIVER = "receiver"
SERVERS = tuple(dict.fromkeys((*BACKENDS, *EXTRAS.values())))
PARTS = (*SERVERS, RECEIVER)
ACK_DEADLINE = 60  # seconds: one delivery survives a pause of half as long


class Trouble(StrEnum):
    """A dependency's faults. ``PAUSED`` stops its process; the others happen in the proxy."""

    PAUSED = "paused"
    REFUSING = "refusing"
    SLOW = "slow"
    CUT = "cut mid-stream"


_ON_THE_WAY = {
    Trouble.REFUSING: Fault(refusing=True),
    Trouble.SLOW: Fault(delay=0.25),
    Trouble.CUT: Fault(cut_after=1_500),
}


@dataclass(frozen=True)
class Troubled:
    """The ground, the gate of its receivers, and the proxies by their parts' names."""

    ground: Ground
    gate: Gate
    proxies: dict[str, Proxy]

    def strike(self, part: str, trouble: Trouble) -> None:
        if trouble is not Trouble.PAUSED:
            self.proxies[part].make(_ON_THE_WAY[trouble])
        elif part == RECEIVER:
            self.ground.inbox.freeze()
        else:
            self.ground.stack.pause(part)

    def heal(self, part: str, trouble: Trouble) -> None:
        if trouble is not Trouble.PAUSED:
            self.proxies[part].heal()
        elif part == RECEIVER:
            self.ground.inbox.thaw()
        else:
            self.ground.stack.resume(part)


@contextmanager
def troubled_stack(folder: Path, file_bytes: int | None = None) -> Iterator[Troubled]:
    """Start everything; the proxies are healthy at first. ``file_bytes``: the size of a chunk's file."""
    gate = Gate()
    with Inbox(gate) as inbox, ExitStack() as running:
        stack = LocalStack(options(folder, ack_deadline=ACK_DEADLINE))
        targets = {part: stack.layout.ports[part] for part in SERVERS} | {RECEIVER: inbox.port}
        ports = free_ports(len(targets))
        proxies = {
            part: running.enter_context(Proxy(port, target))
            for port, (part, target) in zip(ports, targets.items(), strict=True)
        }
        # The stack knows its ports only now, and with them the proxies' targets.
        stack.options = replace(
            stack.options,
            environment={**stack.options.environment, **_detours(stack, proxies)},
            unload_file_bytes=file_bytes or stack.options.unload_file_bytes,
            kafka_advertised_port=proxies["kafka"].port,
            gcs_advertised_port=proxies["gcs"].port,
        )
        running.enter_context(stack)
        reached = {
            "nats": f"nats://{LOOPBACK}:{proxies['nats'].port}",
            "sns": f"http://{LOOPBACK}:{proxies['sns'].port}",
        }
        yield Troubled(prepare(stack, inbox, proxies[RECEIVER].port, reached), gate, proxies)


def _detours(stack: LocalStack, proxies: dict[str, Proxy]) -> dict[str, str]:
    """Return the settings with the proxies' addresses."""
    hosts = {part: f"{LOOPBACK}:{proxy.port}" for part, proxy in proxies.items()}
    snowflake = environments.snowflake_connect(stack.layout) | {"port": proxies["snowflake"].port}
    return {
        "FIRESTORE_EMULATOR_HOST": hosts["firestore"],
        "PUBSUB_EMULATOR_HOST": hosts["pubsub"],
        "STORAGE_EMULATOR_HOST": f"http://{hosts['gcs']}",
        "SNOWFLAKE_CONNECT": json.dumps(snowflake),
        "KAFKA_CLIENT": json.dumps({"bootstrap.servers": hosts["kafka"]}),
    }
