"""One edit for each way in which a property could be lost, and the property that must notice.

``was`` is replaced by ``becomes`` wherever it stands in the file, in a copy of the configuration.
"""

from dataclasses import dataclass

from tests.infra import properties, properties_of_data, properties_of_messaging
from tests.infra.properties import Property


@dataclass(frozen=True, slots=True)
class Mutation:
    """``file`` is below infra/; ``environment`` is the one that is then looked at."""

    title: str
    noticed_by: Property
    file: str
    was: str
    becomes: str
    environment: str = "prod"


_FUNCTIONS = "modules/functions/main.tf"
_MESSAGING = "modules/messaging/main.tf"
_INDEXES = "modules/database/indexes.tf"
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
        "pushes carry no token",
        properties_of_messaging.pushes_are_authenticated,
        _MESSAGING,
        """    oidc_token {
      service_account_email = var.push_account.email
      audience              = var.urls[each.value]
    }
""",
        "",
    ),
    Mutation(
        "all tokens are for one audience",
        properties_of_messaging.pushes_are_authenticated,
        _MESSAGING,
        "audience              = var.urls[each.value]",
        'audience              = var.urls["stage"]',
    ),
    Mutation(
        "a function does not know whose pushes to take",
        properties_of_messaging.pushes_are_authenticated,
        _FUNCTIONS,
        "PUSH_SERVICE_ACCOUNT = local.callers[function.caller]",
        "PUSH_SERVICE_ACCOUNT = var.schedule_account.email",
    ),
    Mutation(
        "a function does not know that IAM takes the signature off",
        properties_of_messaging.pushes_are_authenticated,
        _FUNCTIONS,
        '        PUSH_CHECKED_BY_IAM = "true"\n',
        "",
    ),
    Mutation(
        "a function that anybody may call trusts IAM to have verified them",
        properties.only_the_api_is_public,
        _FUNCTIONS,
        "{ GOOGLE_CLOUD_PROJECT = var.project }",
        '{ GOOGLE_CLOUD_PROJECT = var.project, PUSH_CHECKED_BY_IAM = "true" }',
    ),
    Mutation(
        "nothing is dead-lettered",
        properties_of_messaging.messages_are_dead_lettered,
        _MESSAGING,
        'for_each = each.value == "dead-letter" ? [] : [each.value]',
        "for_each = []",
    ),
    Mutation(
        "dead letters have no subscription",
        properties_of_messaging.every_topic_is_subscribed,
        _MESSAGING,
        """resource "google_pubsub_subscription" "this" {
  for_each = local.topics
""",
        """resource "google_pubsub_subscription" "this" {
  for_each = local.dead_lettered
""",
    ),
    Mutation(
        "acknowledged messages are forgotten",
        properties_of_messaging.acknowledged_messages_are_retained,
        _MESSAGING,
        "retain_acked_messages      = true",
        "retain_acked_messages      = false",
    ),
    Mutation(
        "an idle subscription is deleted",
        properties_of_messaging.subscriptions_never_expire,
        _MESSAGING,
        'ttl = ""',
        'ttl = "2678400s"',
    ),
    Mutation(
        "messages come again at once",
        properties_of_messaging.retries_back_off,
        _MESSAGING,
        'minimum_backoff = "2s"',
        'minimum_backoff = "0s"',
    ),
    Mutation(
        "a function outlives the ack deadline",
        properties_of_messaging.deadlines_are_ordered,
        "main.tf",
        "ack_deadline      = 600",
        "ack_deadline      = 540",
    ),
    Mutation(
        "a handler outlives its function",
        properties_of_messaging.deadlines_are_ordered,
        "main.tf",
        "delivery_deadline = 480",
        "delivery_deadline = 580",
    ),
    Mutation(
        "Kafka's client outlives the handler",
        properties_of_messaging.deadlines_are_ordered,
        "main.tf",
        "delivery_deadline = 480",
        "delivery_deadline = 60",
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
        'settings = ["SNOWFLAKE_STAGE"]',
        "settings = []",
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
        "an index is missing",
        properties_of_data.indexes_are_those_of_the_queries,
        _INDEXES,
        '"jobs"       = ["time_created", "job_id"]',
        "",
    ),
    Mutation(
        "an index has its fields in another order",
        properties_of_data.indexes_are_those_of_the_queries,
        _INDEXES,
        '["time_created", "job_id"]',
        '["job_id", "time_created"]',
    ),
    Mutation(
        "a collection group is asked by an index of its collections",
        properties_of_data.indexes_are_those_of_the_queries,
        _INDEXES,
        '"jobs.torn_down"   = "COLLECTION_GROUP"',
        '"jobs.torn_down"   = "COLLECTION"',
    ),
    Mutation(
        "an index that no query uses",
        properties_of_data.indexes_are_those_of_the_queries,
        _INDEXES,
        '"deliveries.chunk" = "COLLECTION"',
        '"deliveries.chunk" = "COLLECTION"\n    "deliveries.rows" = "COLLECTION"',
    ),
    Mutation(
        "nothing expires",
        properties_of_data.indexes_are_those_of_the_queries,
        _INDEXES,
        "  ttl_config {}\n",
        "",
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
        "staged files go before a retry may ask for them",
        properties_of_data.the_bucket_is_near_snowflake_and_forgets,
        _STORAGE,
        "age = var.staged_files_days",
        "age = 3",
    ),
    Mutation(
        "static deliveries leave by any address",
        properties.static_deliveries_leave_by_the_reserved_addresses,
        _FUNCTIONS,
        '? "ALL_TRAFFIC" : null',
        '? "PRIVATE_RANGES_ONLY" : null',
    ),
    Mutation(
        "the database can't be set back",
        properties_of_data.data_is_protected,
        "modules/database/main.tf",
        '"POINT_IN_TIME_RECOVERY_ENABLED"',
        '"POINT_IN_TIME_RECOVERY_DISABLED"',
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
        "environments/prod.tfvars",
        "deliver_instances  = 50",
        "deliver_instances  = 150",
    ),
    Mutation(
        "prod is deployed without anybody's approval",
        properties.prod_is_approved_by_somebody,
        "main.tf",
        'var.environment == "prod"',
        "false",
    ),
)
