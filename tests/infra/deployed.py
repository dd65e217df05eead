"""A deployment from Terraform's tests: every resource's values, with mocks."""

import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infra.offline.build import ROOT
from infra.offline.terraform import Terraform, messages

ENVIRONMENTS = ("dev", "staging", "prod")
# Values for tests that read them; the environments' files are for operators to fill in.
SNOWFLAKE = {
    "database": "BACKFILLS",
    "schema": "STAGING",
    "tables_from": ["BASE"],
    "warehouse_size": "SMALL",
    "credit_quota": 200,
    "storage_account": "",
}
KAFKA = {"principal": "backfills", "marker_days": 7, "partitions": 6, "replication": -1}
_NOT_TERRAFORM = shutil.ignore_patterns("local", "offline", "__pycache__", "*.py")


@dataclass(frozen=True, slots=True)
class Resource:
    """``key``: the resource's own under for_each or count; ``waits_for``: the resources created before it."""

    address: str
    kind: str
    key: str
    values: Mapping[str, Any]
    waits_for: frozenset[str] = frozenset()

    def block(self, name: str) -> Mapping[str, Any]:
        """Return the only nested block of this name; empty if there is none."""
        found = self.values[name]
        return found[0] if found else {}


@dataclass(frozen=True, slots=True)
class Deployment:
    resources: Sequence[Resource]
    outputs: Mapping[str, Any]

    def of(self, kind: str) -> list[Resource]:
        found = [resource for resource in self.resources if resource.kind == kind]
        assert found, f"nothing is a {kind}"
        return found

    def functions(self) -> dict[str, Resource]:
        """Return the settings by name, without the service's own."""
        return {function.key: function for function in self.of("google_cloudfunctions2_function")}

    def account(self, mocked: str) -> str:
        """Return the short name of the service account with this e-mail address, member or id."""
        for account in self.of("google_service_account"):
            if mocked in {account.values[name] for name in ("email", "member", "name", "id")}:
                return str(account.values["account_id"]).removeprefix("backfills-")
        return mocked


def copy_configuration(into: Path, source: Path = ROOT / "infra") -> Path:
    """Copy everything that Terraform reads, for initialization or changes."""
    shutil.copytree(source, into, ignore=_NOT_TERRAFORM)
    return into


def deploy(
    terraform: Terraform, folder: Path, environment: str, bundles: Path, /, **values: Any
) -> Deployment:
    """Apply an initialized configuration to mocks; ``values`` stand above those of the environment's file.

    TerraformFailed says what Terraform thinks of it.
    """
    printed = terraform.must(
        folder,
        "test",
        "-json",
        "-verbose",
        "-filter=tests/deployment.tftest.hcl",
        f"-var-file=environments/{environment}.tfvars",
        f"-var=bundles={bundles}",
        *(f"-var={name}={_written(value)}" for name, value in values.items()),
    )
    (message,) = messages(printed, "test_state")
    state: Any = message["test_state"]
    outputs = {name: output["value"] for name, output in state["outputs"].items()}
    return Deployment(list(_resources(state["root_module"])), outputs)


def _resources(module: Mapping[str, Any]) -> Iterator[Resource]:
    for found in module.get("resources", ()):
        if found["mode"] == "managed":
            waits_for = frozenset(found.get("depends_on", ()))
            key = str(found.get("index", ""))
            yield Resource(found["address"], found["type"], key, found["values"], waits_for)
    for child in module.get("child_modules", ()):
        yield from _resources(child)


def _written(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def plain(value: str) -> Any:
    """Parse a JSON text."""
    return json.loads(value)
