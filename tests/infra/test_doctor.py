"""The doctor's expectations equal what Terraform creates."""

from pathlib import Path

import pytest

from shared.operator.doctor import expectations as said
from shared.operator.doctor.installation import read_installation
from tests.infra.conftest import Deploy
from tests.infra.deployed import ENVIRONMENTS, Deployment


@pytest.fixture
def deployment(deployed: Deploy) -> Deployment:
    return deployed("dev")


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_terraform_tells_what_the_installation_is(deployed: Deploy, environment: str, tmp_path: Path) -> None:
    path = tmp_path / "installation.json"
    path.write_text(deployed(environment).outputs["installation"])
    found = read_installation(path)
    assert found.urls.keys() == said.FUNCTIONS.keys()
    assert found.secret_versions.keys() >= said.SECRET_READERS.keys()
    assert len(found.egress_addresses) > 0
    (rule,) = (
        rule
        for bucket in deployed(environment).of("google_storage_bucket")
        if bucket.values["name"] == found.staging_bucket
        for rule in bucket.values["lifecycle_rule"]
        if rule["action"][0]["type"] == "Delete"
    )
    assert rule["condition"][0]["age"] == found.staged_files_days


def test_fields_and_indexes_are_those_of_the_database(deployment: Deployment) -> None:
    unindexed, single, expires = set(), {}, []
    for one in deployment.of("google_firestore_field"):
        collection, field = one.values["collection"], one.values["field"]
        if one.values["ttl_config"]:
            expires.append((collection, field))
        elif field == "*":
            unindexed.add(collection)
        else:
            (index,) = one.block("index_config")["indexes"]
            single[f"{collection}.{field}"] = index["query_scope"]
    assert unindexed == said.UNINDEXED
    assert single == said.SINGLE
    assert expires == [said.EXPIRES]
    composite = {
        (
            one.values["collection"],
            tuple(
                ("-" if field["order"] == "DESCENDING" else "") + field["field_path"]
                for field in one.values["fields"]
            ),
        )
        for one in deployment.of("google_firestore_index")
    }
    assert composite == said.COMPOSITE
    (backup,) = deployment.of("google_firestore_backup_schedule")
    assert backup.values["retention"] == f"{said.BACKUP_SECONDS}s"


def test_subscriptions_are_those_of_the_messages(deployment: Deployment) -> None:
    found = {one.values["name"]: one for one in deployment.of("google_pubsub_subscription")}
    assert found.keys() == said.SUBSCRIPTIONS.keys()
    for one in found.values():
        assert one.values["ack_deadline_seconds"] == said.ACK_SECONDS
        assert one.values["message_retention_duration"] == f"{said.RETENTION_SECONDS}s"
        policy = one.block("retry_policy")
        pauses = (policy["minimum_backoff"], policy["maximum_backoff"])
        assert pauses == tuple(f"{seconds}s" for seconds in said.BACKOFF_SECONDS)
        if dead := one.block("dead_letter_policy"):
            assert dead["max_delivery_attempts"] == said.MOST_ATTEMPTS
    publishers: dict[str, set[str]] = {}
    for member in deployment.of("google_pubsub_topic_iam_member"):
        name = deployment.account(member.values["member"])
        if name in said.FUNCTIONS:
            publishers.setdefault(member.values["topic"], set()).add(name)
    assert publishers == said.PUBLISHERS


def test_functions_are_those_deployed(deployment: Deployment) -> None:
    functions = deployment.functions()
    assert functions.keys() == said.FUNCTIONS.keys()
    for name, one in functions.items():
        wanted, service = said.FUNCTIONS[name], one.block("service_config")
        assert service["available_memory"] == wanted.memory
        assert service["timeout_seconds"] == wanted.seconds
        assert service["max_instance_request_concurrency"] == wanted.concurrency
        assert service["ingress_settings"] == wanted.ingress
        if wanted.most is not None:
            assert service["max_instance_count"] == wanted.most
        given = {secret["key"]: secret["secret"] for secret in service["secret_environment_variables"] or ()}
        readers = {
            said.SECRET_VARIABLES[secret]: f"backfills-{secret}"
            for secret, names in said.SECRET_READERS.items()
            if name in names
        }
        assert given == readers
    (job,) = deployment.of("google_cloud_scheduler_job")
    assert job.values["schedule"] == said.SCHEDULE
    roles = {one.values["role_id"] for one in deployment.of("google_project_iam_custom_role")}
    assert roles >= {said.UNLOAD_ROLE, said.REMOVER_ROLE}
    (nat,) = deployment.of("google_compute_router_nat")
    assert nat.values["name"] == said.EGRESS
    assert f"STORAGE INTEGRATION {said.INTEGRATION}" in deployment.outputs["snowflake_setup"]
