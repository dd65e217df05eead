"""The functions' settings that an operator may set, besides those of the deployment."""

import ast
import dataclasses
import json
from functools import cache
from pathlib import Path

from infra.bundle import contents
from shared.config import Settings, read
from shared.operator.doctor.expectations import REGISTRY_READERS
from tests.infra import properties, properties_of_data, roles
from tests.infra.conftest import Changed
from tests.infra.told import FUNCTIONS, OPENTELEMETRYS, SECRETS, environment, local_only

# The deployment's own variables, empty in the examples.
_OF_THE_DEPLOYMENT = {"TABLE_CATALOG", "OTEL_EXPORTER_OTLP_ENDPOINT", "AWS_ROLE_ARN", "SCHEMA_REGISTRY_URL"}
# The functions that read each of the other variables.
READERS = {
    "WEBHOOK_BATCH_ROWS": {"api"},
    "ESTIMATES_PER_MINUTE": {"api"},
    "UNLOAD_FILE_BYTES": {"stage"},
    "UNLOAD_WAIT": {"stage"},
    "UNLOAD_LIMIT": {"stage", "sweep"},
    "CLAIM_LIMIT": {"stage"},
    "MOST_STAGING_ATTEMPTS": {"stage"},
    "LEASE_LENGTH": {"stage", "deliver", "deliver-static", "dead-letter"},
    "STATUS_PAUSE": {"deliver", "deliver-static"},
    "ENCODER": {"deliver", "deliver-static"},
    "STAGING_LIMIT": {"sweep"},
    "JOB_LIMIT": {"sweep"},
    "STALL_LIMIT": {"sweep"},
    "NUDGE_PAUSE": {"sweep"},
    "TEAR_DOWN_PAUSE": {"sweep"},
    "UNCONFIRMED_LIMIT": {"sweep"},
    "OTEL_TRACES_SAMPLER": set(FUNCTIONS),
    "OTEL_TRACES_SAMPLER_ARG": set(FUNCTIONS),
}
# The variables of which the code of a function does not tell whether the function reads them.
_READ_ELSEWHERE = {
    "LEASE_LENGTH": "by the client of deliveries, whose module has the clients of all functions",
    "OTEL_TRACES_SAMPLER": "by OpenTelemetry",
    "OTEL_TRACES_SAMPLER_ARG": "by OpenTelemetry",
}


def _other_than_default(name: str) -> str:
    words = {"OTEL_TRACES_SAMPLER": "parentbased_traceidratio", "ENCODER": "native"}
    return words.get(name, "1234567")


def test_whatever_the_deployment_does_not_say_its_operator_may(changed: Changed) -> None:
    """A variable is a credential, the local stack's, set by the deployment, or tested below."""
    known = {field.metadata["name"] for field in dataclasses.fields(Settings)} | OPENTELEMETRYS
    told = {name for function in changed(settings={}).functions().values() for name in environment(function)}
    expected = known - told - local_only() - SECRETS.keys() - _OF_THE_DEPLOYMENT
    assert READERS.keys() == expected, "READERS above: the functions that read each variable"


def test_the_readers_are_the_functions_whose_code_reads_the_variable() -> None:
    names = {field.name: field.metadata["name"] for field in dataclasses.fields(Settings)}
    code = {bundle: _read_in(bundle) for bundle in set(FUNCTIONS.values())}
    read_by: dict[str, set[str]] = {}
    for function, bundle in FUNCTIONS.items():
        for field in code[bundle] & names.keys():
            read_by.setdefault(names[field], set()).add(function)
    for variable in READERS.keys() - _READ_ELSEWHERE.keys():
        readers = READERS[variable]
        assert read_by[variable] == readers, f"READERS above: the functions whose code reads {variable}"
    for variable in _READ_ELSEWHERE.keys() & read_by.keys():
        assert read_by[variable] > READERS[variable]


def _read_in(bundle: str) -> set[str]:
    code = [file for name, file in contents(bundle).items() if name.endswith(".py")]
    return set().union(*map(_read_by, code))


@cache
def _read_by(file: Path) -> frozenset[str]:
    """Return the attributes of anything called ``settings`` that the module reads."""
    return frozenset(
        node.attr
        for node in ast.walk(ast.parse(file.read_bytes()))
        if isinstance(node, ast.Attribute) and ast.unparse(node.value).endswith("settings")
    )


def test_a_setting_reaches_the_functions_that_read_it(changed: Changed) -> None:
    settings = {name: _other_than_default(name) for name in READERS}
    deployment = changed(settings=settings)
    functions = {name: environment(function) for name, function in deployment.functions().items()}
    for setting, value in settings.items():
        readers = {name for name, told in functions.items() if setting in told}
        assert readers == READERS[setting], f"{setting}: in `settings` of infra/modules/functions/main.tf"
        assert {told.get(setting, value) for told in functions.values()} == {value}
    for told in functions.values():
        # As the functions read them.
        assert read(told | {"K_SERVICE": "any", "KAFKA_CLIENT": "{}", "SNOWFLAKE_CONNECT": "{}"})
    properties_of_data.the_bucket_is_near_snowflake_and_forgets(deployment)


def test_the_role_at_amazon_reaches_those_that_ask_for_it(changed: Changed) -> None:
    role = "arn:aws:iam::123456789012:role/backfills"
    functions = changed(aws_role_arn=role).functions()
    told = {name: environment(function).get("AWS_ROLE_ARN") for name, function in functions.items()}
    assert {name for name, value in told.items() if value == role} == {"api", "deliver", "deliver-static"}
    assert {value for value in told.values() if value != role} == {None}
    for function in changed().functions().values():
        assert "AWS_ROLE_ARN" not in environment(function)


def test_all_that_reach_snowflake_or_kafka_may_leave_by_the_reserved_addresses(changed: Changed) -> None:
    deployment = changed(static_egress_for_all=True)
    properties.static_deliveries_leave_by_the_reserved_addresses(deployment)
    functions = deployment.functions()
    connected = {name for name, one in functions.items() if one.block("service_config")["vpc_connector"]}
    credentials = {"SNOWFLAKE_CONNECT", "KAFKA_CLIENT"}
    assert connected == {name for name, one in functions.items() if credentials & environment(one).keys()}
    service = changed().functions()["deliver"].block("service_config")
    assert service["vpc_connector"] is None


def test_the_schema_registry_reaches_those_that_ask_for_it_and_its_credentials_those_that_call_it(
    changed: Changed,
) -> None:
    url, versions = "https://registry.example.com/apis/ccompat/v7", {"kafka": "1", "snowflake": "1"}
    deployment = changed(schema_registry_url=url, secret_versions=versions | {"registry": "2"})
    told = {name: environment(function) for name, function in deployment.functions().items()}
    calling = REGISTRY_READERS
    assert {name for name, of in told.items() if "SCHEMA_REGISTRY_URL" in of} == {"api", *calling}
    assert {name for name, of in told.items() if "SCHEMA_REGISTRY_CREDENTIALS" in of} == calling
    for name in ("api", *calling):
        assert told[name]["SCHEMA_REGISTRY_URL"] == url
    assert json.loads(deployment.outputs["installation"])["schema_registry"] == url
    properties.credentials_come_from_secrets(deployment)
    properties.roles_are_exactly_these(deployment)
    for function in changed().functions().values():
        assert not {"SCHEMA_REGISTRY_URL", "SCHEMA_REGISTRY_CREDENTIALS"} & environment(function).keys()


def test_the_traces_headers_are_a_secret_of_their_own(changed: Changed) -> None:
    versions = {"kafka": "1", "snowflake": "1"}
    deployment = changed(secret_versions=versions | {"traces": "3"})
    for function in deployment.functions().values():
        assert environment(function)["OTEL_EXPORTER_OTLP_HEADERS"] == "backfills-traces"
    properties.credentials_come_from_secrets(deployment)
    reads = {(name, "roles/secretmanager.secretAccessor", "secret backfills-traces") for name in FUNCTIONS}
    assert roles.granted(deployment) - roles.granted(changed(secret_versions=versions)) == reads
    properties.roles_are_exactly_these(deployment)
