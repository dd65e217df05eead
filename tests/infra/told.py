"""The functions' names, and each one's environment."""

import ast
import dataclasses

from infra.offline.build import ROOT
from shared.config import Settings
from tests.infra.deployed import Deployment, Resource

# The project's number, as infra/tests mock it.
NUMBER = "123456789012"
# Each function's bundle.
FUNCTIONS = {
    "api": "api",
    "stage": "stage",
    "deliver": "deliver",
    "deliver-static": "deliver",
    "dead-letter": "dead_letter",
    "sweep": "sweep",
}
# The variables with credentials, and their secrets.
SECRETS = {
    "KAFKA_CLIENT": "backfills-kafka",
    "SNOWFLAKE_CONNECT": "backfills-snowflake",
    "OTEL_EXPORTER_OTLP_HEADERS": "backfills-traces",
    "SCHEMA_REGISTRY_CREDENTIALS": "backfills-registry",
}
# Variables that OpenTelemetry reads itself.
OPENTELEMETRYS = {"OTEL_EXPORTER_OTLP_HEADERS", "OTEL_TRACES_SAMPLER", "OTEL_TRACES_SAMPLER_ARG"}
# Each subscription's function.
PUSHED = {
    "backfills-stage": "stage",
    "backfills-chunks": "deliver",
    "backfills-chunks-static": "deliver-static",
    "backfills-dead-letter": "dead-letter",
}


def environment(function: Resource) -> dict[str, str]:
    """Return a function's variables; a secret's value is its name."""
    service = function.block("service_config")
    secrets = {item["key"]: item["secret"] for item in service["secret_environment_variables"]}
    return {**service["environment_variables"], **secrets}


def required(bundle: str) -> set[str]:
    """Return the variables that a function's main.py requires."""
    tree = ast.parse((ROOT / "functions" / bundle / "main.py").read_text())
    (call,) = [node for node in ast.walk(tree) if _calls(node, "read")]
    assert isinstance(call, ast.Call)
    named: tuple[str, ...] = ast.literal_eval(_constant(tree, call.args[1])) if len(call.args) > 1 else ()
    needed = {field.metadata["name"] for field in dataclasses.fields(Settings) if _has_no_default(field)}
    if any(keyword.arg == "called_by_google" for keyword in call.keywords):
        needed |= {"PUSH_AUDIENCE", "PUSH_SERVICE_ACCOUNT"}
    return needed | set(named)


def local_only() -> set[str]:
    """Return the local stack's variables."""
    fields = dataclasses.fields(Settings)
    return {
        field.metadata["name"] for field in fields if field.metadata["purpose"].startswith("local stack only")
    }


def _calls(node: ast.AST, name: str) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == name


def _constant(tree: ast.Module, value: ast.expr) -> ast.expr:
    """Return the value, or the value of its name in the module."""
    if not isinstance(value, ast.Name):
        return value
    (given,) = [
        node.value
        for node in tree.body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == value.id
    ]
    return given


def _has_no_default(field: "dataclasses.Field[object]") -> bool:
    return field.metadata["default"] is None


def url(deployment: Deployment, function: str) -> str:
    """Return a service's Cloud Run address, which follows from the project's number."""
    values = deployment.functions()[function].values
    return f"https://{values['name']}-{NUMBER}.{values['location']}.run.app"
