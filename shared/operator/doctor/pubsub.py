"""Checks of Pub/Sub: topics and subscriptions as Terraform creates them."""

from collections.abc import Callable, Iterator, Sequence

from google.api_core.exceptions import NotFound
from google.pubsub_v1.types import Subscription

from shared.operator.doctor import expectations as said
from shared.operator.doctor.checks import Check, Verdict, apply_again, verdict
from shared.operator.doctor.google import SECONDS, members
from shared.operator.doctor.once import once
from shared.operator.doctor.world import World

_APPLY = apply_again("messaging")
_PUBLISHER, _SUBSCRIBER = "roles/pubsub.publisher", "roles/pubsub.subscriber"


class PubSub:
    def __init__(self, world: World) -> None:
        self._world = world

    def checks(self) -> Sequence[Check]:
        each = self._of_each
        return (
            Check("pubsub.topics", "Does every topic exist?", self._topics, _APPLY),
            Check("pubsub.subscriptions", "Does each topic have its subscription?", self._attached, _APPLY),
            Check("pubsub.ack-deadline", "Is the ack deadline long enough?", each(_ack), _APPLY),
            Check("pubsub.backoff", "Are messages retried with growing pauses?", each(_backoff), _APPLY),
            Check(
                "pubsub.dead-letter",
                "Do messages out of attempts go to the dead-letter topic?",
                each(self._dead_letter),
                _APPLY,
            ),
            Check(
                "pubsub.retention", "Are acknowledged messages kept for a replay?", each(_retention), _APPLY
            ),
            Check("pubsub.expiry", "Does no idle subscription expire?", each(_expiry), _APPLY),
            Check("pubsub.delivery", "Are messages pushed unordered and unfiltered?", each(_plain), _APPLY),
            Check("pubsub.endpoint", "Does each push to its function?", each(self._endpoint), _APPLY),
            Check(
                "pubsub.identity",
                "Does each push carry the token that its function accepts?",
                each(self._identity),
                _APPLY,
            ),
            Check("pubsub.publishers", "May the functions publish?", self._publishers, _APPLY),
            Check("pubsub.dead-letter-rights", "May Pub/Sub move dead letters?", self._moves, _APPLY),
        )

    @property
    def _project(self) -> str:
        return f"projects/{self._world.installation.project}"

    @once
    def _subscriptions(self) -> dict[str, Subscription]:
        """Return the existing subscriptions by name."""
        found = {}
        for name in said.SUBSCRIPTIONS:
            path = f"{self._project}/subscriptions/{name}"
            try:
                answer = self._world.google.subscriptions.get_subscription(subscription=path, timeout=SECONDS)
            except NotFound:
                continue
            found[name] = answer
        return found

    def _topics(self) -> Verdict:
        missing = []
        for name in said.SUBSCRIPTIONS:
            try:
                self._world.google.topics.get_topic(topic=f"{self._project}/topics/{name}", timeout=SECONDS)
            except NotFound:
                missing.append(f"{name} is missing")
        return verdict(missing, f"all {len(said.SUBSCRIPTIONS)}")

    def _attached(self) -> Verdict:
        faults = [f"{name} is missing" for name in said.SUBSCRIPTIONS if name not in self._subscriptions]
        for name, found in self._subscriptions.items():
            if found.detached or found.topic != f"{self._project}/topics/{name}":
                faults.append(f"{name} belongs to {found.topic}{', detached' if found.detached else ''}")
        return verdict(faults, "each has its own")

    def _of_each(self, faults: Callable[[str, Subscription], Iterator[str]]) -> Callable[[], Verdict]:
        def ask() -> Verdict:
            found = [
                f"{name}: {fault}"
                for name, subscription in self._subscriptions.items()
                for fault in faults(name, subscription)
            ]
            found += [f"{name}: not found" for name in said.SUBSCRIPTIONS if name not in self._subscriptions]
            return verdict(found, f"on all {len(said.SUBSCRIPTIONS)}")

        return ask

    def _dead_letter(self, name: str, found: Subscription) -> Iterator[str]:
        policy = found.dead_letter_policy
        wanted = "" if name == said.DEAD_LETTERS else f"{self._project}/topics/{said.DEAD_LETTERS}"
        if policy.dead_letter_topic != wanted:
            yield f"dead letters go to {policy.dead_letter_topic or 'nowhere'}"
        elif wanted and policy.max_delivery_attempts != said.MOST_ATTEMPTS:
            yield f"after {policy.max_delivery_attempts} attempts instead of {said.MOST_ATTEMPTS}"

    def _endpoint(self, name: str, found: Subscription) -> Iterator[str]:
        wanted = self._world.installation.urls[said.SUBSCRIPTIONS[name]]
        if found.push_config.push_endpoint != wanted:
            yield f"pushes to {found.push_config.push_endpoint or 'nowhere'} instead of {wanted}"

    def _identity(self, name: str, found: Subscription) -> Iterator[str]:
        token, url = found.push_config.oidc_token, self._world.installation.urls[said.SUBSCRIPTIONS[name]]
        account = self._world.installation.account("push")
        if token.service_account_email != account:
            yield f"pushes as {token.service_account_email or 'nobody'} instead of {account}"
        if token.audience != url:
            yield f"the audience is {token.audience or 'missing'} instead of {url}"

    def _publishers(self) -> Verdict:
        faults = []
        for topic, functions in said.PUBLISHERS.items():
            request = {"resource": f"{self._project}/topics/{topic}"}
            policy = self._world.google.topics.get_iam_policy(request=request, timeout=SECONDS)
            may = members(policy, _PUBLISHER)
            wanted = {self._world.installation.member(one) for one in functions}
            faults += [f"{topic}: {one} may not publish" for one in sorted(wanted - may)]
        return verdict(faults, "all that must")

    def _moves(self) -> Verdict:
        agent = (
            f"serviceAccount:service-{self._world.installation.project_number}"
            "@gcp-sa-pubsub.iam.gserviceaccount.com"
        )
        faults = []
        request = {"resource": f"{self._project}/topics/{said.DEAD_LETTERS}"}
        if agent not in members(
            self._world.google.topics.get_iam_policy(request=request, timeout=SECONDS), _PUBLISHER
        ):
            faults.append(f"{agent} may not publish to {said.DEAD_LETTERS}")
        for name in said.SUBSCRIPTIONS:
            if name == said.DEAD_LETTERS:
                continue
            request = {"resource": f"{self._project}/subscriptions/{name}"}
            policy = self._world.google.subscriptions.get_iam_policy(request=request, timeout=SECONDS)
            if agent not in members(policy, _SUBSCRIBER):
                faults.append(f"{agent} may not acknowledge on {name}")
        return verdict(faults, "Pub/Sub's own account may publish and acknowledge")


def _ack(_: str, found: Subscription) -> Iterator[str]:
    if found.ack_deadline_seconds != said.ACK_SECONDS:
        yield f"{found.ack_deadline_seconds} s instead of {said.ACK_SECONDS} s"


def _backoff(_: str, found: Subscription) -> Iterator[str]:
    policy = found.retry_policy
    pauses = (policy.minimum_backoff.total_seconds(), policy.maximum_backoff.total_seconds())
    if pauses != said.BACKOFF_SECONDS:
        yield "pauses of {:g} to {:g} s instead of {:g} to {:g} s".format(*pauses, *said.BACKOFF_SECONDS)


def _retention(_: str, found: Subscription) -> Iterator[str]:
    seconds = found.message_retention_duration.total_seconds()
    if not found.retain_acked_messages:
        yield "acknowledged messages are not kept"
    if seconds != said.RETENTION_SECONDS:
        yield f"messages are kept for {seconds:g} s instead of {said.RETENTION_SECONDS} s"


def _expiry(_: str, found: Subscription) -> Iterator[str]:
    # No policy means the default of 31 days; a policy without a time means never.
    if "expiration_policy" not in found or found.expiration_policy.ttl.total_seconds() > 0:
        yield "it expires when it is idle"


def _plain(_: str, found: Subscription) -> Iterator[str]:
    if found.enable_message_ordering:
        yield "messages are ordered, one at a time"
    if found.filter:
        yield "messages are filtered"
    if found.enable_exactly_once_delivery:
        yield "exactly-once delivery is on, which a push subscription cannot have"
