"""Required properties of the topics, their subscriptions and the schedule."""

from shared.destinations.kafka.settings import KafkaLimits
from tests.infra.deployed import Deployment
from tests.infra.told import FUNCTIONS, PUSHED, environment, url


def pushes_are_authenticated(deployment: Deployment) -> None:
    for subscription in deployment.of("google_pubsub_subscription"):
        function = PUSHED[subscription.values["name"]]
        (push,) = subscription.values["push_config"]
        assert push["push_endpoint"] == url(deployment, function)
        assert push["oidc_token"], "pushes carry no token"
        token = push["oidc_token"][0]
        assert deployment.account(token["service_account_email"]) == "push"
        assert token["audience"] == url(deployment, function)
        _takes_calls_of(deployment, function, "push")
    (tokens,) = [one for one in deployment.resources if one.address.endswith(".push_tokens")]
    assert "module.messaging.google_pubsub_subscription.this" in tokens.waits_for
    (job,) = deployment.of("google_cloud_scheduler_job")
    (target,) = job.values["http_target"]
    (token,) = target["oidc_token"]
    assert target["uri"] == token["audience"] == url(deployment, "sweep")
    assert deployment.account(token["service_account_email"]) == "schedule"
    _takes_calls_of(deployment, "sweep", "schedule")


def _takes_calls_of(deployment: Deployment, function: str, account: str) -> None:
    """The function refuses another account's token, and a token for another function."""
    told = environment(deployment.functions()[function])
    assert told["PUSH_AUDIENCE"] == url(deployment, function)
    assert deployment.account(told["PUSH_SERVICE_ACCOUNT"]) == account
    # Cloud Run removes the signature from the tokens that it verifies.
    assert told.get("PUSH_CHECKED_BY_IAM") == "true", f"{function} would refuse every call"


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


def seconds(text: str) -> float:
    return float(text.removesuffix("s"))
