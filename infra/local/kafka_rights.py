"""The users of the broker's secure listeners and their permissions, granted like an administrator would."""

from collections.abc import Iterable
from typing import Any

from infra.local import names, secure_kafka
from infra.local.layout import Layout

_SECONDS = 30.0

Right = tuple[str, str, str, str]
"""The kind of resource, its name, the kind of pattern, the operation."""
# The permissions that docs/destinations/external_kafka.md requires.
TRANSACTIONS: Right = ("TRANSACTIONAL_ID", "beam.", "PREFIXED", "WRITE")
GROUPS: Right = ("GROUP", "beam.", "PREFIXED", "READ")
ONCE: tuple[Right, ...] = (
    ("TOPIC", names.EXPORTS, "LITERAL", "WRITE"),
    ("TOPIC", names.EXPORTS, "LITERAL", "READ"),
    ("TOPIC", names.EXPORTS, "LITERAL", "DESCRIBE_CONFIGS"),
    TRANSACTIONS,
    GROUPS,
)
AT_LEAST_ONCE = tuple(right for right in ONCE if right[0] == "TOPIC" and right[3] != "READ")


def create_external_topic(layout: Layout) -> None:
    """Create a topic to deliver to, and the users with their permissions."""
    from confluent_kafka.cimpl import NewTopic  # slow to import, and few stacks need it

    admin = administrator(layout.kafka_bootstrap)
    _settled(admin.create_topics([NewTopic(names.EXPORTS, 3, 1)], request_timeout=_SECONDS).values())
    set_password(admin, secure_kafka.USER, layout.secured_kafka.password)
    grant(admin, secure_kafka.USER, ONCE)
    grant(admin, secure_kafka.PLAIN_USER, AT_LEAST_ONCE)


def administrator(bootstrap: str) -> Any:
    from confluent_kafka.admin import AdminClient

    return AdminClient({"bootstrap.servers": bootstrap, "log_level": 0})


def set_password(admin: Any, user: str, password: str) -> None:
    """Set the user's only SCRAM password."""
    from confluent_kafka.admin._scram import (
        ScramCredentialInfo,
        ScramMechanism,
        UserScramCredentialUpsertion,
    )

    for mechanism in (ScramMechanism.SCRAM_SHA_256, ScramMechanism.SCRAM_SHA_512):
        change = UserScramCredentialUpsertion(user, ScramCredentialInfo(mechanism, 4096), password.encode())
        _settled(admin.alter_user_scram_credentials([change]).values())


def grant(admin: Any, user: str, rights: Iterable[Right]) -> None:
    from confluent_kafka.admin._acl import AclBinding, AclOperation, AclPermissionType
    from confluent_kafka.admin._resource import ResourcePatternType, ResourceType

    bindings = [
        AclBinding(
            ResourceType[kind],
            name,
            ResourcePatternType[pattern],
            f"User:{user}",
            "*",
            AclOperation[operation],
            AclPermissionType.ALLOW,
        )
        for kind, name, pattern, operation in rights
    ]
    _settled(admin.create_acls(bindings).values())


def _settled(changes: Iterable[Any]) -> None:
    for change in changes:
        change.result(_SECONDS)
