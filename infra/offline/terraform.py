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
    """Path of the terraform command."""
    return shutil.which("terraform")


@dataclass(frozen=True, slots=True)
class Answer:
    """What a command printed, both streams together, and its exit status."""

    status: int
    text: str


@dataclass(frozen=True, slots=True)
class Terraform:
    """The command, with the environment in which it meets the stand-in."""

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
        """As ``run``; TerraformFailed with all that was printed if it did not succeed."""
        answer = self.run(folder, *arguments)
        if answer.status != 0:
            raise TerraformFailed(f"terraform {' '.join(arguments)}\n{answer.text}")
        return answer.text


class TerraformFailed(Exception):  # noqa: N818 - named for what happened
    """A command of Terraform's ended with an error."""


@contextmanager
def offline() -> Iterator[Terraform]:
    """Terraform beside a stand-in for the google provider, which ends with the block."""
    with serve(json.loads(SCHEMA.read_text())) as attached:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("TF_")}
        yield Terraform(
            kept
            | {
                "TF_REATTACH_PROVIDERS": attached,
                "TF_IN_AUTOMATION": "1",
                # A person's own settings may name mirrors, or credentials.
                "TF_CLI_CONFIG_FILE": os.devnull,
                "CHECKPOINT_DISABLE": "1",
                # A run is short and small: a third of its processor time would go to collecting garbage.
                "GOGC": "400",
            }
        )


def messages(lines: str, kind: str) -> Sequence[Mapping[str, object]]:
    """The messages of one kind out of what a command with -json printed."""
    found: list[Mapping[str, object]] = []
    for line in lines.splitlines():
        if line.startswith("{"):
            message = json.loads(line)
            if message.get("type") == kind:
                found.append(message)
    return found
