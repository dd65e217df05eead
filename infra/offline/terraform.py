"""Run Terraform on the repository's configuration without a cloud and without a registry."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from infra.offline.build import SCHEMA
from infra.offline.provider import serve


def command() -> str | None:
    """Return the path of the terraform command."""
    return shutil.which("terraform")


@dataclass(frozen=True, slots=True)
class Answer:
    """A command's output, both streams together, and its exit status."""

    status: int
    text: str


@dataclass(frozen=True, slots=True)
class Terraform:
    """The command, with the environment that connects it to the stand-in."""

    environment: Mapping[str, str]

    def run(self, folder: Path, *arguments: str) -> Answer:
        done = subprocess.run(
            [command() or "terraform", f"-chdir={folder}", *arguments],
            env=dict(self.environment),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        return Answer(done.returncode, done.stdout)

    def must(self, folder: Path, *arguments: str) -> str:
        """Do the same as ``run``; raise TerraformFailed with the output if it fails."""
        answer = self.run(folder, *arguments)
        if answer.status != 0:
            raise TerraformFailed(f"terraform {' '.join(arguments)}\n{answer.text}")
        return answer.text


class TerraformFailed(Exception):  # noqa: N818 - named for what happened
    """A Terraform command failed."""


@contextmanager
def offline() -> Iterator[Terraform]:
    """Start a stand-in for the google provider; yield Terraform connected to it."""
    with serve(json.loads(SCHEMA.read_text())) as attached:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("TF_")}
        yield Terraform(
            kept
            | {
                "TF_REATTACH_PROVIDERS": attached,
                "TF_IN_AUTOMATION": "1",
                # A developer's own settings may name mirrors, or credentials.
                "TF_CLI_CONFIG_FILE": os.devnull,
                "CHECKPOINT_DISABLE": "1",
                # A run is short and small: garbage collection would take a third of its processor time.
                "GOGC": "400",
            }
        )


def messages(lines: str, kind: str) -> Sequence[Mapping[str, object]]:
    """Return the messages of one kind from the output of a command with -json."""
    found: list[Mapping[str, object]] = []
    for line in lines.splitlines():
        if line.startswith("{"):
            message = json.loads(line)
            if message.get("type") == kind:
                found.append(message)
    return found
