"""One edit for each way in which a property of properties.py could be lost."""

from tests.infra import properties
from tests.infra.mutation import Mutation

_FUNCTIONS = "modules/functions/main.tf"
_MESSAGING = "modules/messaging/main.tf"
_STORAGE = "modules/storage/main.tf"

MUTATIONS = (
    Mutation(
        "anybody may call every function",
        properties.only_the_api_is_public,
        _FUNCTIONS,
        "member   = each.value.caller",
        'member   = "allUsers"',
    ),
    Mutation(
        "every function is reached from outside",
        properties.only_the_api_is_public,
        _FUNCTIONS,
        'each.value.caller == "allUsers" ? "ALLOW_ALL" : "ALLOW_INTERNAL_ONLY"',
        '"ALLOW_ALL"',
    ),
    Mutation(
        "a bucket may be made public",
        properties.only_the_api_is_public,
        _STORAGE,
        'public_access_prevention    = "enforced"',
        'public_access_prevention    = "inherited"',
    ),
    Mutation(
        "a function that anybody may call trusts IAM to have verified them",
        properties.only_the_api_is_public,
        _FUNCTIONS,
        "{ GOOGLE_CLOUD_PROJECT = var.project }",
        '{ GOOGLE_CLOUD_PROJECT = var.project, PUSH_CHECKED_BY_IAM = "true" }',
    ),
    Mutation(
        "the API may read the Snowflake key",
        properties.roles_are_exactly_these,
        "modules/secrets/main.tf",
        'snowflake = ["stage", "sweep"]',
        'snowflake = ["stage", "sweep", "api"]',
    ),
    Mutation(
        "a function may administrate the bucket",
        properties.roles_are_exactly_these,
        _STORAGE,
        'role   = "roles/storage.objectViewer"\n  member = each.value',
        'role   = "roles/storage.admin"\n  member = each.value',
    ),
    Mutation(
        "the sweep may not publish",
        properties.roles_are_exactly_these,
        _MESSAGING,
        '"dead-letter", "sweep"]',
        '"dead-letter"]',
    ),
    Mutation(
        "our own role grows",
        properties.roles_are_exactly_these,
        _STORAGE,
        'permissions = ["storage.objects.delete", "storage.objects.list"]',
        'permissions = ["storage.objects.delete", "storage.objects.list", "storage.objects.create"]',
    ),
    Mutation(
        "deliveries may read every secret",
        properties.conditions_narrow,
        "modules/secrets/main.tf",
        "/secrets/beam-",
        "/secrets/",
    ),
    Mutation(
        "functions share an account",
        properties.each_function_has_an_account_of_its_own,
        _FUNCTIONS,
        "var.accounts[each.key]",
        'var.accounts["deliver"]',
    ),
    Mutation(
        "a required setting is missing",
        properties.functions_are_told_what_they_need,
        _FUNCTIONS,
        '"SNOWFLAKE_STAGE", "UNLOAD_LIMIT"',
        '"UNLOAD_LIMIT"',
    ),
    Mutation(
        "a setting is misspelt",
        properties.functions_are_told_what_they_need,
        _FUNCTIONS,
        "DELIVERY_DEADLINE",
        "DELIVERY_DEADLINES",
    ),
    Mutation(
        "a credential lies in the open",
        properties.credentials_come_from_secrets,
        _FUNCTIONS,
        "{ GOOGLE_CLOUD_PROJECT = var.project }",
        '{ GOOGLE_CLOUD_PROJECT = var.project, KAFKA_CLIENT = "{}" }',
    ),
    Mutation(
        "a function is built from another one's bundle",
        properties.bundles_are_named_by_their_content,
        _FUNCTIONS,
        "google_storage_bucket_object.bundle[each.value.bundle].name",
        'google_storage_bucket_object.bundle["api"].name',
    ),
    Mutation(
        "a bundle is named by its function alone",
        properties.bundles_are_named_by_their_content,
        _FUNCTIONS,
        '${filesha256("${var.bundles}/${each.key}.zip")}',
        "latest",
    ),
    Mutation(
        "static deliveries leave by any address",
        properties.static_deliveries_leave_by_the_reserved_addresses,
        _FUNCTIONS,
        '? "ALL_TRAFFIC" : null',
        '? "PRIVATE_RANGES_ONLY" : null',
    ),
    Mutation(
        "a subscription is not watched",
        properties.every_subscription_is_watched,
        "modules/observability/alerts.tf",
        "for_each = toset(var.subscriptions)",
        'for_each = setsubtract(var.subscriptions, ["backfills-chunks-static"])',
    ),
    Mutation(
        "the functions could take more processors than they may",
        properties.all_functions_fit_into_the_quota,
        _FUNCTIONS,
        "most        = var.deliver_instances",
        "most        = 1000",
    ),
    Mutation(
        "prod is deployed without anybody's approval",
        properties.prod_is_approved_by_somebody,
        "main.tf",
        'var.environment == "prod"',
        "false",
    ),
    Mutation(
        "the build may read every bucket",
        properties.conditions_narrow,
        _STORAGE,
        "/gcf-v2-sources-${var.project_number}-${var.region}",
        "/",
    ),
    Mutation(
        "the build may not read what it is to build",
        properties.roles_are_exactly_these,
        _STORAGE,
        'role    = "roles/storage.objectViewer"\n  member  = var.build_member',
        'role    = "roles/browser"\n  member  = var.build_member',
    ),
    Mutation(
        "functions are built before the build may read their sources",
        properties.functions_wait_for_what_they_need,
        "main.tf",
        "module.secrets, module.storage]",
        "module.secrets]",
    ),
    Mutation(
        "a network's machine has too few connections",
        properties.static_deliveries_leave_by_the_reserved_addresses,
        "modules/network/main.tf",
        "  min_ports_per_vm = 8192\n",
        "",
    ),
    Mutation(
        "the collector's headers lie in the open",
        properties.credentials_come_from_secrets,
        _FUNCTIONS,
        "{ GOOGLE_CLOUD_PROJECT = var.project }",
        '{ GOOGLE_CLOUD_PROJECT = var.project, OTEL_EXPORTER_OTLP_HEADERS = "authorization=x" }',
    ),
)
