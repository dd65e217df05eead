"""What must hold of every deployment: one function each, which raises AssertionError where it does not.

The tests run them on each environment; the mutation tests break each of them and see that it is noticed.
"""

import ast
import dataclasses
import re
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from infra.offline.build import ROOT
from shared.config import Settings
from shared.destinations.kafka import KafkaLimits
from tests.infra import query_shapes, roles
from tests.infra.deployed import Deployment, Resource

Property = Callable[[Deployment], None]

FUNCTIONS = {
    "api": "api",
    "stage": "stage",
    "deliver": "deliver",
    "deliver-static": "deliver",
    "dead-letter": "dead_letter",
    "sweep": "sweep",
}
PUSHED = {
    "backfills-stage": "stage",
    "backfills-chunks": "deliver",
    "backfills-chunks-static": "deliver-static",
    "backfills-dead-letter": "dead-letter",
}
# Settings of the release that is just being made; a name leaves this set when shared/config.py has it.
COMING = {
    "STATIC_CHUNKS_TOPIC",
    "PUSH_AUDIENCE",
    "PUSH_SERVICE_ACCOUNT",
    "MOST_JOBS_IN_FLIGHT",
    "OTEL_EXPORTER_OTLP_ENDPOINT",
}


def only_the_api_is_public(deployment: Deployment) -> None:
    for caller in deployment.of("google_cloud_run_v2_service_iam_member"):
        everybody = caller.values["member"] in {"allUsers", "allAuthenticatedUsers"}
        assert everybody == (caller.key == "api"), f"{caller.key}: {caller.values['member']}"
    for name, function in deployment.functions().items():
        ingress = function.block("service_config")["ingress_settings"]
        assert ingress == ("ALLOW_ALL" if name == "api" else "ALLOW_INTERNAL_ONLY"), name
    for bucket in deployment.of("google_storage_bucket"):
        assert bucket.values["public_access_prevention"] == "enforced", bucket.address
        assert bucket.values["uniform_bucket_level_access"] is True, bucket.address


def pushes_are_authenticated(deployment: Deployment) -> None:
    for subscription in deployment.of("google_pubsub_subscription"):
        function = PUSHED[subscription.values["name"]]
        (push,) = subscription.values["push_config"]
        assert push["push_endpoint"] == url(deployment, function)
        assert push["oidc_token"], "pushes carry no token"
        token = push["oidc_token"][0]
        assert deployment.account(token["service_account_email"]) == "push"
        # The function refuses a token that was made for another one.
        told = environment(deployment.functions()[function])
        assert token["audience"] == told["PUSH_AUDIENCE"] == url(deployment, function)
        assert deployment.account(told["PUSH_SERVICE_ACCOUNT"]) == "push"
    (job,) = deployment.of("google_cloud_scheduler_job")
    (target,) = job.values["http_target"]
    (token,) = target["oidc_token"]
    assert target["uri"] == token["audience"] == url(deployment, "sweep")
    assert deployment.account(token["service_account_email"]) == "schedule"


def every_topic_is_subscribed(deployment: Deployment) -> None:
    names = {topic.values["name"] for topic in deployment.of("google_pubsub_topic")}
    assert names == {item.values["name"] for item in deployment.of("google_pubsub_subscription")}
    assert names == PUSHED.keys()


def messages_are_dead_lettered(deployment: Deployment) -> None:
    topics = {topic.values["name"]: topic.values["id"] for topic in deployment.of("google_pubsub_topic")}
    for subscription in deployment.of("google_pubsub_subscription"):
        policy = subscription.block("dead_letter_policy")
        if subscription.values["name"] == "backfills-dead-letter":
            assert policy == {}, "a dead letter that is dead-lettered goes round in circles"
            continue
        assert policy, subscription.address
        assert policy["dead_letter_topic"] == topics["backfills-dead-letter"]
        assert 5 <= policy["max_delivery_attempts"] <= 100


def acknowledged_messages_are_retained(deployment: Deployment) -> None:
    for subscription in deployment.of("google_pubsub_subscription"):
        assert subscription.values["retain_acked_messages"] is True, subscription.address
        assert subscription.values["message_retention_duration"] == "604800s", subscription.address


def subscriptions_never_expire(deployment: Deployment) -> None:
    for subscription in deployment.of("google_pubsub_subscription"):
        assert subscription.values["expiration_policy"] == [{"ttl": ""}], subscription.address


def retries_back_off(deployment: Deployment) -> None:
    for subscription in deployment.of("google_pubsub_subscription"):
        (policy,) = subscription.values["retry_policy"]
        least, most = (seconds(policy[f"{word}_backoff"]) for word in ("minimum", "maximum"))
        assert 0 < least < most <= 600, subscription.address


def deadlines_are_ordered(deployment: Deployment) -> None:
    message = KafkaLimits(least=0).message
    for subscription in deployment.of("google_pubsub_subscription"):
        function = deployment.functions()[PUSHED[subscription.values["name"]]]
        ack = subscription.values["ack_deadline_seconds"]
        timeout = function.block("service_config")["timeout_seconds"]
        assert 600 >= ack > timeout, subscription.address
        if FUNCTIONS[function.key] == "deliver":
            own = float(environment(function)["DELIVERY_DEADLINE"])
            assert timeout > own > message, f"{function.key}: {timeout} > {own} > {message}"
    (job,) = deployment.of("google_cloud_scheduler_job")
    sweep = deployment.functions()["sweep"].block("service_config")["timeout_seconds"]
    assert seconds(job.values["attempt_deadline"]) >= sweep


def roles_are_exactly_these(deployment: Deployment) -> None:
    granted, listed = roles.granted(deployment), set(roles.ROLES)
    if not any(who == "Snowflake" for who, _, _ in granted):
        # Its account is known only after the first half of the handshake.
        listed = {right for right in listed if right[0] != "Snowflake"}
    assert granted == listed, f"too much: {granted - listed}, too little: {listed - granted}"
    permissions = {
        role.values["role_id"]: set(role.values["permissions"])
        for role in deployment.of("google_project_iam_custom_role")
    }
    assert permissions == roles.PERMISSIONS


def conditions_narrow(deployment: Deployment) -> None:
    conditions = {
        (resource.address, condition["expression"])
        for resource in deployment.resources
        for condition in (resource.values.get("condition") or () if "_iam_" in resource.kind else ())
    }
    expressions = {re.sub(r"example-backfills-\w+-|\d{12}", "…", text) for _, text in conditions}
    assert expressions == {
        'resource.name.startsWith("projects/…/secrets/beam-")',
        'resource.name.startsWith("projects/_/buckets/…backfills-sources/objects/releases/")',
    }


def each_function_has_an_account_of_its_own(deployment: Deployment) -> None:
    for name, function in deployment.functions().items():
        assert deployment.account(function.block("service_config")["service_account_email"]) == name


def functions_are_told_what_they_need(deployment: Deployment) -> None:
    known = {field.metadata["name"] for field in dataclasses.fields(Settings)}
    for name, function in deployment.functions().items():
        told = environment(function)
        assert told.keys() <= known | COMING, f"{name}: {told.keys() - known - COMING} are no settings"
        missing = required(FUNCTIONS[name]) - told.keys()
        assert not missing, f"{name} is not told {missing}"
        assert all(told.values()), f"{name}: {told}"
        assert not {"SECRETS_FILE", "ALLOW_INSECURE_WEBHOOKS"} & told.keys(), "for the local stack only"


def credentials_come_from_secrets(deployment: Deployment) -> None:
    for name, function in deployment.functions().items():
        service = function.block("service_config")
        assert not {"KAFKA_CLIENT", "SNOWFLAKE_CONNECT"} & service["environment_variables"].keys(), name
        for variable in service["secret_environment_variables"]:
            secret = {"KAFKA_CLIENT": "backfills-kafka", "SNOWFLAKE_CONNECT": "backfills-snowflake"}
            assert variable["secret"] == secret[variable["key"]]
    assert not [one for one in deployment.resources if one.kind == "google_secret_manager_secret_version"]


def indexes_are_those_of_the_queries(deployment: Deployment) -> None:
    needed = query_shapes.needed()
    composite = {
        (
            index.values["query_scope"],
            index.values["collection"],
            tuple(field["field_path"] for field in index.values["fields"]),
        )
        for index in deployment.of("google_firestore_index")
    }
    assert composite == needed.composite
    fields = deployment.of("google_firestore_field")
    single = {
        (index["query_scope"], field.values["collection"], field.values["field"])
        for field in fields
        for index in field.block("index_config").get("indexes") or ()
    }
    exempt = {field.values["collection"] for field in fields if field.values["field"] == "*"}
    assert single == {shape for shape in needed.single if shape[1] in exempt}
    expiring = {(one.values["collection"], one.values["field"]) for one in fields if one.values["ttl_config"]}
    assert expiring == {("idempotency_keys", "expires")}


def bundles_are_named_by_their_content(deployment: Deployment) -> None:
    objects = {bundle.key: bundle for bundle in deployment.of("google_storage_bucket_object")}
    assert objects.keys() == set(FUNCTIONS.values())
    for name, function in deployment.functions().items():
        source = function.block("build_config")["source"][0]["storage_source"][0]
        bundle = objects[FUNCTIONS[name]].values
        assert source["object"] == bundle["name"]
        assert re.fullmatch(rf"functions/{FUNCTIONS[name]}/[0-9a-f]{{64}}\.zip", bundle["name"])


def bundles_are_whole(deployment: Deployment) -> None:
    """Each bundle's function can be imported from the bundle alone, with the settings it is given."""
    bundles = {one.key: Path(one.values["source"]) for one in deployment.of("google_storage_bucket_object")}
    functions = deployment.functions()
    with ThreadPoolExecutor() as pool:
        tried = {
            name: pool.submit(_import, bundles[FUNCTIONS[name]], environment(function))
            for name, function in functions.items()
            if name != "deliver-static"  # of the same bundle as deliver, with the same settings
        }
    for name, done in tried.items():
        assert done.result().returncode == 0, f"{name}: {done.result().stderr}"


def _import(bundle: Path, settings: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    with tempfile.TemporaryDirectory() as folder:
        with zipfile.ZipFile(bundle) as file:
            file.extractall(folder)
        # Isolated: neither the working folder nor PYTHONPATH lends it what the bundle lacks.
        script = f"import sys; sys.path.insert(0, {folder!r}); import main; print(main.handle)"
        return subprocess.run(
            [sys.executable, "-I", "-c", script],
            env={**settings, "KAFKA_CLIENT": "{}", "SNOWFLAKE_CONNECT": "{}"},
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
        )


def the_bucket_is_near_snowflake_and_forgets(deployment: Deployment) -> None:
    (bucket,) = [one for one in deployment.of("google_storage_bucket") if one.address.endswith(".staging")]
    assert bucket.values["location"] == "us-central1"
    ages = {
        rule["action"][0]["type"]: rule["condition"][0]["age"] for rule in bucket.values["lifecycle_rule"]
    }
    told = environment(deployment.functions()["api"])
    assert ages["Delete"] == int(told["STAGED_FILES_DAYS"])


def static_deliveries_leave_by_the_reserved_addresses(deployment: Deployment) -> None:
    (connector,) = deployment.of("google_vpc_access_connector")
    (nat,) = deployment.of("google_compute_router_nat")
    addresses = [address.values["self_link"] for address in deployment.of("google_compute_address")]
    assert nat.values["nat_ip_allocate_option"] == "MANUAL_ONLY"
    assert sorted(nat.values["nat_ips"]) == sorted(addresses)
    for name, function in deployment.functions().items():
        service = function.block("service_config")
        static = name == "deliver-static"
        assert service["vpc_connector"] == (connector.values["id"] if static else None), name
        assert (service["vpc_connector_egress_settings"] == "ALL_TRAFFIC") == static, name


def data_is_protected(deployment: Deployment) -> None:
    (database,) = deployment.of("google_firestore_database")
    assert database.values["point_in_time_recovery_enablement"] == "POINT_IN_TIME_RECOVERY_ENABLED"
    assert database.values["name"] == "(default)", "the functions' clients ask for no other"
    assert deployment.of("google_firestore_backup_schedule")
    project = database.values["project"]
    protected = database.values["delete_protection_state"] == "DELETE_PROTECTION_ENABLED"
    assert protected or project.endswith("-dev")


def every_subscription_is_watched(deployment: Deployment) -> None:
    (alert,) = [one for one in deployment.of("google_monitoring_alert_policy") if "unacked" in one.address]
    filters = [item["condition_threshold"][0]["filter"] for item in alert.values["conditions"]]
    watched = {re.search(r'subscription_id="([^"]+)"', text)[1] for text in filters}  # type: ignore[index]
    assert watched == {item.values["name"] for item in deployment.of("google_pubsub_subscription")}


def prod_is_approved_by_somebody(deployment: Deployment) -> None:
    (trigger,) = [
        one for one in deployment.of("google_cloudbuild_trigger") if one.values["name"] == "backfills-deploy"
    ]
    if trigger.values["substitutions"]["_ENVIRONMENT"] == "prod":
        assert trigger.block("approval_config")["approval_required"] is True


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
    values: Mapping[str, Any] = deployment.functions()[function].values
    return f"https://{values['name']}-123456789012.{values['location']}.run.app"


def seconds(text: str) -> float:
    return float(text.removesuffix("s"))


# bundles_are_whole starts Python for each bundle, and bundles do not differ between environments.
ONCE: tuple[Property, ...] = (bundles_are_whole,)
EVERYWHERE: tuple[Property, ...] = (
    only_the_api_is_public,
    pushes_are_authenticated,
    every_topic_is_subscribed,
    messages_are_dead_lettered,
    acknowledged_messages_are_retained,
    subscriptions_never_expire,
    retries_back_off,
    deadlines_are_ordered,
    roles_are_exactly_these,
    conditions_narrow,
    each_function_has_an_account_of_its_own,
    functions_are_told_what_they_need,
    credentials_come_from_secrets,
    indexes_are_those_of_the_queries,
    bundles_are_named_by_their_content,
    the_bucket_is_near_snowflake_and_forgets,
    static_deliveries_leave_by_the_reserved_addresses,
    data_is_protected,
    every_subscription_is_watched,
    prod_is_approved_by_somebody,
)
