"""The ports of one stack's parts, and the paths of its files."""

import shutil
from dataclasses import dataclass
from pathlib import Path

from infra.local.options import ALL_PARTS, EXTRAS, StackOptions
from infra.local.ports import LOOPBACK, free_ports
from infra.local.secure_kafka import Secured


@dataclass(frozen=True)
class Layout:
    """Every part has a fixed port from the start. All parts can start at once and know each other's ports."""

    folder: Path
    ports: dict[str, int]
    kafka_bootstrap: str

    @staticmethod
    def of(options: StackOptions) -> "Layout":
        names = sorted(
            ALL_PARTS | {"kafka_controller", "kafka_mutual"} | EXTRAS.keys() | set(EXTRAS.values())
        )
        ports = dict(zip(names, free_ports(len(names)), strict=True))
        bootstrap = options.kafka_bootstrap or f"{LOOPBACK}:{ports['kafka']}"
        return Layout(options.folder, ports, bootstrap)

    def host(self, part: str) -> str:
        """Return ``host:port``, the form in which Google's clients expect their emulators."""
        return f"{LOOPBACK}:{self.ports[part]}"

    def url(self, part: str) -> str:
        return f"http://{self.host(part)}"

    @property
    def logs(self) -> Path:
        return self.folder / "logs"

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def sockets(self) -> Path:
        return self.folder / "run"

    @property
    def secured_kafka(self) -> Secured:
        """The broker's secure listeners."""
        ports = self.ports["external_kafka"], self.ports["kafka_mutual"]
        return Secured(folder=self.data / "kafka-keys", port=ports[0], mutual_port=ports[1])

    @property
    def secrets_file(self) -> Path:
        return self.folder / "secrets.json"

    @property
    def endpoints_file(self) -> Path:
        return self.folder / "endpoints.json"

    def clean(self) -> None:
        """Remove the files of earlier stacks, and nothing else, because the folder may be a home folder."""
        for folder in (self.logs, self.data, self.sockets):
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
        self.endpoints_file.unlink(missing_ok=True)
        self.secrets_file.unlink(missing_ok=True)
