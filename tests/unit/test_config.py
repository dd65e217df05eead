"""Configuration: one object from the environment, and documentation that stays current."""

import json
import re
from pathlib import Path

import pytest

from shared.config import ConfigurationError, describe, read
from shared.domain.catalog import BASE_TABLES, Catalog, CatalogEntry
from tests.generated import check_table

DOCUMENT = Path(__file__).parents[2] / "docs/configuration.md"
PROJECT = {"GOOGLE_CLOUD_PROJECT": "project"}


def test_what_is_not_set_has_its_default() -> None:
    settings = read(PROJECT)
    assert settings.project == "project"
    assert settings.stage_topic == "backfills-stage"
    assert settings.unload_wait == 20.0
    assert settings.allow_insecure_destinations is False
    assert settings.kafka_client == {}


def test_what_is_set_is_read_as_what_it_is() -> None:
    settings = read(
        PROJECT
        | {
            "KAFKA_CLIENT": '{"bootstrap.servers": "kafka:9092"}',
            "ALLOW_INSECURE_DESTINATIONS": "True",
            "UNLOAD_FILE_BYTES": "1048576",
            "LEASE_LENGTH": "2.5",
            "AWS_ROLE_ARN": "arn:aws:iam::123456789012:role/backfills",
        }
    )
    assert settings.kafka_client == {"bootstrap.servers": "kafka:9092"}
    assert settings.allow_insecure_destinations is True
    assert settings.unload_file_bytes == 1 << 20
    assert settings.lease_length == 2.5
    assert settings.aws_role_arn == "arn:aws:iam::123456789012:role/backfills"


@pytest.mark.parametrize(
    "text", ["backfills", "arn:aws:sns:eu-west-1:123456789012:rows", "arn:aws:iam::1:role/x"]
)
def test_a_role_at_amazon_is_told_by_its_arn(text: str) -> None:
    with pytest.raises(ConfigurationError, match="AWS_ROLE_ARN can't be read"):
        read(PROJECT | {"AWS_ROLE_ARN": text})


def test_an_empty_variable_is_not_set() -> None:
    assert read(PROJECT | {"LEASE_LENGTH": ""}).lease_length == 15.0
    with pytest.raises(ConfigurationError, match="GOOGLE_CLOUD_PROJECT"):
        read({"GOOGLE_CLOUD_PROJECT": ""})


def test_all_faults_are_named_at_once() -> None:
    with pytest.raises(ConfigurationError) as caught:
        read({"LEASE_LENGTH": "soon", "ALLOW_INSECURE_DESTINATIONS": "maybe"}, ("STAGING_BUCKET",))
    for name in ("GOOGLE_CLOUD_PROJECT", "LEASE_LENGTH", "ALLOW_INSECURE_DESTINATIONS", "STAGING_BUCKET"):
        assert name in str(caught.value)


@pytest.mark.parametrize("text", ['{"password": "hunter2"', '["hunter2"]'])
def test_a_value_that_can_not_be_read_is_not_repeated(text: str) -> None:
    """The value may be a credential."""
    with pytest.raises(ConfigurationError) as caught:
        read(PROJECT | {"SNOWFLAKE_CONNECT": text})
    assert "SNOWFLAKE_CONNECT" in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_an_encoder_that_there_is_not_is_refused() -> None:
    assert read(PROJECT).encoder == "native"
    assert read(PROJECT | {"ENCODER": "python"}).encoder == "python"
    with pytest.raises(ConfigurationError, match="ENCODER can't be read"):
        read(PROJECT | {"ENCODER": "rust"})


@pytest.mark.parametrize("text", ["base.assets.*", "{}", "[]", '[{"table": "base.assets.*"}]'])
def test_a_faulty_table_catalog_ends_the_process_and_not_every_request(text: str) -> None:
    assert read(PROJECT).table_catalog == BASE_TABLES
    with pytest.raises(ConfigurationError, match="TABLE_CATALOG can't be read"):
        read(PROJECT | {"TABLE_CATALOG": text})


def test_the_documentations_table_catalog_is_one() -> None:
    (example,) = re.findall(r"```json\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)
    assert json.loads(example)
    assert read(PROJECT | {"TABLE_CATALOG": example}).table_catalog == Catalog(
        (
            CatalogEntry("base.assets.*", key_column="unique_id"),
            CatalogEntry("eth.core.*", block_column="block_number"),
        )
    )


def test_the_documentation_lists_the_variables_as_they_are() -> None:
    check_table(DOCUMENT, describe())


@pytest.mark.parametrize(
    "url", ["", "https://r.example.com", "http://10.0.0.5:8081", "http://[fd00::1]:8081/apis/ccompat/v7/"]
)
def test_a_registry_is_the_root_of_an_api(url: str) -> None:
    assert read(PROJECT | {"SCHEMA_REGISTRY_URL": url}).schema_registry_url == url.rstrip("/")


@pytest.mark.parametrize(
    "url", ["r.example.com", "https://a:b@r.example.com", "https://r.example.com?x=y", "ftp://x"]
)
def test_a_registry_with_anything_else_is_refused(url: str) -> None:
    with pytest.raises(ConfigurationError, match="SCHEMA_REGISTRY_URL can't be read") as raised:
        read(PROJECT | {"SCHEMA_REGISTRY_URL": url})
    assert "a:b" not in str(raised.value)


def test_the_registrys_credentials_are_complete_or_not_there() -> None:
    login = {"username": "service", "password": "s3cret"}
    name = "SCHEMA_REGISTRY_CREDENTIALS"
    assert read(PROJECT).schema_registry_credentials == {}
    assert read(PROJECT | {name: json.dumps(login)}).schema_registry_credentials == login
    for value in ('{"username": "x"}', '{"username": "x", "password": 5}', "[]", '"s3cret"', "s3cret"):
        with pytest.raises(ConfigurationError, match=f"{name} can't be read") as raised:
            read(PROJECT | {name: value})
        assert "s3cret" not in str(raised.value)


CALLED = {"PUSH_AUDIENCE": "https://deliver.run.app", "PUSH_SERVICE_ACCOUNT": "push@project.example"}


def test_on_cloud_run_a_function_that_google_calls_does_not_start_without_knowing_its_caller() -> None:
    cloud = PROJECT | {"K_SERVICE": "deliver"}
    read(cloud)
    read(cloud | CALLED, called_by_google=True)
    for name in CALLED:
        with pytest.raises(ConfigurationError, match=name):
            read(cloud | {**CALLED, name: ""}, called_by_google=True)


def test_whoever_names_an_audience_must_name_the_caller_too() -> None:
    """With only the first one, every service account of the world could call."""
    read(PROJECT, called_by_google=True)
    with pytest.raises(ConfigurationError, match="PUSH_SERVICE_ACCOUNT"):
        read(PROJECT | {"PUSH_AUDIENCE": "https://deliver.run.app"}, called_by_google=True)


@pytest.mark.parametrize(
    ("name", "value"), [("ALLOW_INSECURE_DESTINATIONS", "true"), ("SECRETS_FILE", "/secrets.json")]
)
def test_on_cloud_run_nothing_is_set_that_is_for_the_local_stack(name: str, value: str) -> None:
    read(PROJECT | {name: value})
    with pytest.raises(ConfigurationError, match=name):
        read(PROJECT | {name: value, "K_SERVICE": "deliver"})


def test_that_iam_has_verified_a_call_can_be_said_on_cloud_run_alone() -> None:
    """Elsewhere nothing verifies tokens first, and anybody can make one without a signature."""
    said = PROJECT | {"PUSH_CHECKED_BY_IAM": "true"}
    assert read(PROJECT).push_checked_by_iam is False
    assert read(said | {"K_SERVICE": "deliver"}).push_checked_by_iam is True
    with pytest.raises(ConfigurationError, match="PUSH_CHECKED_BY_IAM"):
        read(said)


@pytest.mark.parametrize(
    ("in_flight", "at_once", "lanes"), [("64", "", 64), ("64", "50", 64), ("64", "8", 16), ("5", "8", 5)]
)
def test_no_more_lanes_are_shared_than_deliveries_can_keep_up_with(
    in_flight: str, at_once: str, lanes: int
) -> None:
    environment = {"CHUNKS_IN_FLIGHT": in_flight, "DELIVERIES_AT_ONCE": at_once}
    assert read({"GOOGLE_CLOUD_PROJECT": "project", **environment}).lanes_to_share == lanes


@pytest.mark.parametrize("name", ["CHUNKS_IN_FLIGHT", "DELIVERIES_AT_ONCE"])
@pytest.mark.parametrize("value", ["0", "-1", "many"])
def test_a_count_is_a_whole_number_above_zero(name: str, value: str) -> None:
    with pytest.raises(ConfigurationError, match=name):
        read({"GOOGLE_CLOUD_PROJECT": "project", name: value})
