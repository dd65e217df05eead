"""What the functions are called, and what each is told by its environment."""

import ast
import dataclasses

from infra.offline.build import ROOT
from shared.config import Settings
from tests.infra.deployed import Deployment, Resource

# The bundle of each function.
FUNCTIONS = {
    "api": "api",
    "stage": "stage",
    "deliver": "deliver",
    "deliver-static": "deliver",
    "dead-letter": "dead_letter",
    "sweep": "sweep",
}
# The function that each subscription pushes to.
PUSHED = {
    "backfills-stage": "stage",
    "backfills-chunks": "deliver",
    "backfills-chunks-static": "deliver-static",
    "backfills-dead-letter": "dead-letter",
}


def environment(function: Resource) -> dict[str, str]:
    """The variables a function is given; a secret's value is its name."""
    service = function.block("service_config")
    secrets = {item["key"]: item["secret"] for item in service["secret_environment_variables"]}
    return {**service["environment_variables"], **secrets}


def required(bundle: str) -> set[str]:
    """The variables that a function's main.py says it can't do without."""
    tree = ast.parse((ROOT / "functions" / bundle / "main.py").read_text())
    (call,) = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "read"
    ]
    named: tuple[str, ...] = ast.literal_eval(call.args[1]) if len(call.args) > 1 else ()
    unconditional = {
        field.metadata["name"] for field in dataclasses.fields(Settings) if field.metadata["default"] is None
    }
    return unconditional | set(named)


def url(deployment: Deployment, function: str) -> str:
    """Where Cloud Run puts a service, known from the project's number before it is there."""
    values = deployment.functions()[function].values
    return f"https://{values['name']}-123456789012.{values['location']}.run.app"
