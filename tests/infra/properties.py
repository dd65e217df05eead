"""What must hold of every deployment: one function each, which raises AssertionError where it does not.

The tests run them on each environment; the mutation tests break each of them and see that it is noticed.
"""

import dataclasses
import re
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from shared.config import Settings
from tests.infra import properties_of_data, properties_of_messaging, roles
from tests.infra.deployed import Deployment, plain
from tests.infra.told import FUNCTIONS, NUMBER, OPENTELEMETRYS, SECRETS, environment, local_only, required

Property = Callable[[Deployment], None]


def only_the_api_is_public(deployment: Deployment) -> None:
    for caller in deployment.of("google_cloud_run_v2_service_iam_member"):
        everybody = caller.values["member"] in {"allUsers", "allAuthenticatedUsers"}
        assert everybody == (caller.key == "api"), f"{caller.key}: {caller.values['member']}"
        # A function that trusts IAM to verify tokens must admit nobody without one.
        told = environment(deployment.functions()[caller.key])
        assert ("PUSH_CHECKED_BY_IAM" in told) != everybody, caller.key
    for name, function in deployment.functions().items():
        ingress = function.block("service_config")["ingress_settings"]
        assert ingress == ("ALLOW_ALL" if name in {"api", "stage"} else "ALLOW_INTERNAL_ONLY"), name
    for bucket in deployment.of("google_storage_bucket"):
        assert bucket.values["public_access_prevention"] == "enforced", bucket.address
        assert bucket.values["uniform_bucket_level_access"] is True, bucket.address


def only_the_api_asks_for_estimates(deployment: Deployment) -> None:
    """Of all accounts the API's alone, beside the one that pushes, may call the staging function; the API is
    told where it is, and the function whom to take for the API.
    """
    granted = {who for who, role, target in roles.granted(deployment) if target == "function stage"}
    assert granted == {"push", "api"}, granted
    told = {name: environment(function) for name, function in deployment.functions().items()}
    api = deployment.functions()["api"].block("service_config")["service_account_email"]
    assert {name: of["API_SERVICE_ACCOUNT"] for name, of in told.items() if "API_SERVICE_ACCOUNT" in of} == {
        "stage": api
    }
    assert {name: of["STAGE_URL"] for name, of in told.items() if "STAGE_URL" in of} == {
        "api": told["stage"]["PUSH_AUDIENCE"]
    }
    assert not {"SNOWFLAKE_CONNECT", "KAFKA_CLIENT"} & told["api"].keys(), "the API has credentials"


def roles_are_exactly_these(deployment: Deployment) -> None:
    granted, listed = roles.granted(deployment), set(roles.ROLES)
    if not any(who == "Snowflake" for who, _, _ in granted):
        # Its account is known only after the first half of the handshake.
        listed = {right for right in listed if right[0] != "Snowflake"}
    for optional in ("secret backfills-traces", "secret backfills-registry"):
        if not any(target == optional for _, _, target in granted):
            listed = {right for right in listed if right[2] != optional}
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
    api = deployment.functions()["api"].values
    assert {text for _, text in conditions} == {
        f'resource.name.startsWith("projects/{NUMBER}/secrets/beam-")',
        f'resource.name.startsWith("projects/_/buckets/{api["project"]}-backfills-sources/objects/releases/")',
        f'resource.name.startsWith("projects/_/buckets/gcf-v2-sources-{NUMBER}-{api["location"]}")',
    }


def each_function_has_an_account_of_its_own(deployment: Deployment) -> None:
    for name, function in deployment.functions().items():
        assert deployment.account(function.block("service_config")["service_account_email"]) == name


def functions_wait_for_what_they_need(deployment: Deployment) -> None:
    """A function's build needs its permissions, its first start its secrets."""
    rights = {
        re.sub(r"\[.*\]$", "", one.address)
        for one in deployment.resources
        if "_iam_" in one.kind and re.match(r"module\.(secrets|storage)\.|module\.identities\.", one.address)
    }
    assert rights
    for name, function in deployment.functions().items():
        assert rights <= function.waits_for, f"{name} does not wait for {rights - function.waits_for}"


def functions_are_told_what_they_need(deployment: Deployment) -> None:
    known = {field.metadata["name"] for field in dataclasses.fields(Settings)} | OPENTELEMETRYS
    for name, function in deployment.functions().items():
        told = environment(function)
        assert told.keys() <= known, f"{name}: {told.keys() - known} are no settings"
        missing = required(FUNCTIONS[name]) - told.keys()
        assert not missing, f"{name} is not told {missing}"
        assert all(told.values()), f"{name}: {told}"
        assert not local_only() & told.keys(), f"{name} is told what is for the local stack only"


def credentials_come_from_secrets(deployment: Deployment) -> None:
    for name, function in deployment.functions().items():
        service = function.block("service_config")
        assert not SECRETS.keys() & service["environment_variables"].keys(), name
        for variable in service["secret_environment_variables"]:
            assert variable["secret"] == SECRETS[variable["key"]]
            assert variable["version"].isdecimal(), "a rotation would reach some instances and not others"
    assert not [one for one in deployment.resources if one.kind == "google_secret_manager_secret_version"]


def bundles_are_named_by_their_content(deployment: Deployment) -> None:
    objects = {bundle.key: bundle for bundle in deployment.of("google_storage_bucket_object")}
    assert objects.keys() == set(FUNCTIONS.values())
    for name, function in deployment.functions().items():
        source = function.block("build_config")["source"][0]["storage_source"][0]
        bundle = objects[FUNCTIONS[name]].values
        assert source["object"] == bundle["name"]
        assert re.fullmatch(rf"functions/{FUNCTIONS[name]}/[0-9a-f]{{64}}\.zip", bundle["name"])


def bundles_are_whole(deployment: Deployment) -> None:
    """Each function can be imported from its bundle alone, with its settings."""
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
        # Isolated: neither the working folder nor PYTHONPATH supplies what the bundle lacks.
        script = f"import sys; sys.path.insert(0, {folder!r}); import main; print(main.handle)"
        return subprocess.run(
            [sys.executable, "-I", "-c", script],
            # K_SERVICE as on Cloud Run, where a function checks its settings more strictly.
            env={**settings, "K_SERVICE": "backfills", "KAFKA_CLIENT": "{}", "SNOWFLAKE_CONNECT": "{}"},
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
        )


def static_deliveries_leave_by_the_reserved_addresses(deployment: Deployment) -> None:
    (connector,) = deployment.of("google_vpc_access_connector")
    (nat,) = deployment.of("google_compute_router_nat")
    addresses = [address.values["self_link"] for address in deployment.of("google_compute_address")]
    assert nat.values["nat_ip_allocate_option"] == "MANUAL_ONLY"
    assert sorted(nat.values["nat_ips"]) == sorted(addresses)
    ports = nat.values["min_ports_per_vm"] or 64
    assert ports >= 1024, "a connector's machine has too few connections to one receiver"
    # During an upgrade, replaced machines exist beside their replacements.
    assert ports * 2 * connector.values["max_instances"] <= 64512 * len(addresses)
    (subnet,) = deployment.of("google_compute_subnetwork")
    assert subnet.values["private_ip_google_access"] is True, "Google's APIs would be reached through the NAT"
    # Those that the doctor is told of.
    connected = plain(deployment.outputs["installation"])["egress_functions"]
    assert "deliver-static" in connected
    for name, function in deployment.functions().items():
        service = function.block("service_config")
        static = name in connected
        assert service["vpc_connector"] == (connector.values["id"] if static else None), name
        assert (service["vpc_connector_egress_settings"] == "ALL_TRAFFIC") == static, name


def every_subscription_is_watched(deployment: Deployment) -> None:
    (alert,) = [one for one in deployment.of("google_monitoring_alert_policy") if "unacked" in one.address]
    filters = [item["condition_threshold"][0]["filter"] for item in alert.values["conditions"]]
    watched = {re.search(r'subscription_id="([^"]+)"', text)[1] for text in filters}  # type: ignore[index]
    assert watched == {item.values["name"] for item in deployment.of("google_pubsub_subscription")}


def all_functions_fit_into_the_quota(deployment: Deployment) -> None:
    """Otherwise a deployment is refused, or the functions starve each other."""
    quotas = [one for one in deployment.resources if one.kind == "google_cloud_quotas_quota_preference"]
    services = [function.block("service_config") for function in deployment.functions().values()]
    wanted = sum(1000 * int(one["available_cpu"]) * one["max_instance_count"] for one in services)
    for quota in quotas:
        assert wanted <= int(quota.block("quota_config")["preferred_value"]), f"{wanted} are wanted"


def prod_is_approved_by_somebody(deployment: Deployment) -> None:
    (trigger,) = [
        one for one in deployment.of("google_cloudbuild_trigger") if one.values["name"] == "backfills-deploy"
    ]
    if trigger.values["substitutions"]["_ENVIRONMENT"] == "prod":
        assert trigger.block("approval_config")["approval_required"] is True


# bundles_are_whole starts Python for each bundle, and bundles do not differ between environments.
ONCE: tuple[Property, ...] = (bundles_are_whole,)
EVERYWHERE: tuple[Property, ...] = (
    only_the_api_is_public,
    properties_of_messaging.pushes_are_authenticated,
    properties_of_messaging.every_topic_is_subscribed,
    properties_of_messaging.messages_are_dead_lettered,
    properties_of_messaging.acknowledged_messages_are_retained,
    properties_of_messaging.subscriptions_never_expire,
    properties_of_messaging.retries_back_off,
    properties_of_messaging.deadlines_are_ordered,
    only_the_api_asks_for_estimates,
    roles_are_exactly_these,
    conditions_narrow,
    each_function_has_an_account_of_its_own,
    functions_wait_for_what_they_need,
    functions_are_told_what_they_need,
    credentials_come_from_secrets,
    properties_of_data.indexes_are_those_of_the_queries,
    bundles_are_named_by_their_content,
    properties_of_data.the_bucket_is_near_snowflake_and_forgets,
    properties_of_data.exports_are_forgotten,
    static_deliveries_leave_by_the_reserved_addresses,
    properties_of_data.data_is_protected,
    every_subscription_is_watched,
    all_functions_fit_into_the_quota,
    prod_is_approved_by_somebody,
)
