"""One edit for each way to lose a property of the messages."""

from tests.infra import properties, properties_of_messaging
from tests.infra.mutation import Mutation

_FUNCTIONS = "modules/functions/main.tf"
_MESSAGING = "modules/messaging/main.tf"

MUTATIONS = (
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
        also=(properties.only_the_api_is_public,),
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
        "tokens are asked for before Pub/Sub's account is there",
        properties_of_messaging.pushes_are_authenticated,
        _MESSAGING,
        "  depends_on = [google_pubsub_subscription.this]\n",
        "",
    ),
)
