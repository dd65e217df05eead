"""The answers of Google's administration APIs for a healthy project, by path."""

import io
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from shared.operator.doctor import expectations as said
from tests.fakes.google_names import (
    ADDRESSES,
    AGENT,
    BUCKET,
    COMPUTE,
    CONNECTOR,
    DATABASE,
    GROUPS,
    PROJECT,
    REGION,
    SCHEDULE,
    SNOWFLAKE,
    SOURCES,
    account,
    function,
    service,
    subscription,
    topic,
)

_ROOT = Path(__file__).parents[2]


def policy(granted: Mapping[str, list[str]]) -> dict[str, Any]:
    return {"bindings": [{"role": role, "members": members} for role, members in granted.items()]}


def members(names: Iterable[str]) -> list[str]:
    return [f"serviceAccount:{account(name)}" for name in sorted(names)]


def of_firestore() -> dict[str, Any]:
    def of(collection: str, name: str, **rest: Any) -> dict[str, Any]:
        return {"name": f"{DATABASE[4:]}/collectionGroups/{collection}/fields/{name}", **rest}

    fields = [of(collection, "*", indexConfig={}) for collection in sorted(said.UNINDEXED)]
    fields += [
        of(
            *name.split("."),
            indexConfig={
                "indexes": [
                    {
                        "queryScope": scope,
                        "state": "READY",
                        "fields": [{"fieldPath": name, "order": "ASCENDING"}],
                    }
                ]
            },
        )
        for name, scope in said.SINGLE.items()
    ]
    fields.append(of(*said.EXPIRES, indexConfig={}, ttlConfig={"state": "ACTIVE"}))
    indexes = [
        {
            "name": f"{DATABASE[4:]}/collectionGroups/{collection}/indexes/{number}",
            "state": "READY",
            "fields": [
                {
                    "fieldPath": one.lstrip("-"),
                    "order": "DESCENDING" if one.startswith("-") else "ASCENDING",
                }
                for one in (*columns, "__name__")
            ],
        }
        for number, (collection, columns) in enumerate(sorted(said.COMPOSITE))
    ]
    return {
        DATABASE: {
            "name": DATABASE[4:],
            "type": "FIRESTORE_NATIVE",
            "locationId": "nam5",
            "pointInTimeRecoveryEnablement": "POINT_IN_TIME_RECOVERY_ENABLED",
            "deleteProtectionState": "DELETE_PROTECTION_ENABLED",
        },
        f"{GROUPS}/fields": {"fields": fields},
        f"{GROUPS}/indexes": {"indexes": indexes},
        f"{DATABASE}/backupSchedules": {
            "backupSchedules": [{"retention": "1209600s", "dailyRecurrence": {}}]
        },
    }


def of_pubsub(url: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, handler in said.SUBSCRIPTIONS.items():
        found[topic(name)] = {"name": topic(name)[4:]}
        dead = name == said.DEAD_LETTERS
        found[subscription(name)] = {
            "name": subscription(name)[4:],
            "topic": topic(name)[4:],
            "ackDeadlineSeconds": 600,
            "retainAckedMessages": True,
            "messageRetentionDuration": "604800s",
            "expirationPolicy": {},
            "retryPolicy": {"minimumBackoff": "2s", "maximumBackoff": "600s"},
            "pushConfig": {
                "pushEndpoint": f"{url}/functions/{handler}",
                "oidcToken": {
                    "serviceAccountEmail": account("push"),
                    "audience": f"{url}/functions/{handler}",
                },
            },
        } | (
            {}
            if dead
            else {
                "deadLetterPolicy": {
                    "deadLetterTopic": topic(said.DEAD_LETTERS)[4:],
                    "maxDeliveryAttempts": 100,
                }
            }
        )
        granted = {"roles/pubsub.publisher": [AGENT] if dead else members(said.PUBLISHERS[name])}
        found[f"{topic(name)}:getIamPolicy"] = policy(granted)
        found[f"{subscription(name)}:getIamPolicy"] = policy({"roles/pubsub.subscriber": [AGENT]})
    return found


def of_bucket() -> dict[str, Any]:
    granted = {
        "roles/storage.objectViewer": members(["deliver", "deliver-static"]),
        f"projects/{PROJECT}/roles/{said.REMOVER_ROLE}": members(["stage"]),
        f"projects/{PROJECT}/roles/{said.UNLOAD_ROLE}": [f"serviceAccount:{SNOWFLAKE}"],
    }
    return {
        f"/storage/v1/b/{BUCKET}": {
            "name": BUCKET,
            "location": REGION.upper(),
            "iamConfiguration": {
                "uniformBucketLevelAccess": {"enabled": True},
                "publicAccessPrevention": "enforced",
            },
            "softDeletePolicy": {"retentionDurationSeconds": "0"},
            "lifecycle": {
                "rule": [
                    {"action": {"type": "Delete"}, "condition": {"age": 21}},
                    {"action": {"type": "AbortIncompleteMultipartUpload"}, "condition": {"age": 1}},
                ]
            },
        },
        f"/storage/v1/b/{BUCKET}/iam": policy(granted),
    }


def bundle(name: str, changed: str | None = None) -> bytes:
    """Return a function's bundle of three of the checkout's files; ``changed``: the one that differs."""
    folder = _ROOT / "functions" / said.FUNCTIONS[name].bundle
    files = {"main.py": folder / "main.py", "requirements.txt": folder / "requirements.txt"}
    files["shared/config.py"] = _ROOT / "shared/config.py"
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for entry, path in files.items():
            archive.writestr(entry, path.read_bytes() + (b"#" if entry == changed else b""))
    return target.getvalue()


def source(name: str) -> str:
    """Return the download URL of a function's bundle."""
    return f"/download/storage/v1/b/{SOURCES}/o/{name}.zip"


def of_functions(url: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, wanted in said.FUNCTIONS.items():
        most = {"api": 10}.get(name, wanted.most or 20)
        private = wanted.caller != "allUsers"
        given = {
            "PUSH_AUDIENCE": f"{url}/functions/{name}",
            "PUSH_SERVICE_ACCOUNT": account(wanted.caller),
            "PUSH_CHECKED_BY_IAM": "true",
        }
        found[function(name)] = {
            "state": "ACTIVE",
            "buildConfig": {"source": {"storageSource": {"bucket": SOURCES, "object": f"{name}.zip"}}},
            "serviceConfig": {
                "allTrafficOnLatestRevision": True,
                "availableMemory": wanted.memory,
                "timeoutSeconds": wanted.seconds,
                "maxInstanceRequestConcurrency": wanted.concurrency,
                "minInstanceCount": 1 if name == "api" else 0,
                "maxInstanceCount": most,
                "ingressSettings": wanted.ingress,
                "serviceAccountEmail": account(name),
                "environmentVariables": given if private else {},
                "secretEnvironmentVariables": [
                    {"key": said.SECRET_VARIABLES[one], "secret": f"backfills-{one}", "version": "1"}
                    for one, readers in said.SECRET_READERS.items()
                    if name in readers
                ],
            },
        }
        found[source(name)] = bundle(name)
        callers = {"api": ["allUsers"]}.get(name) or members(
            [wanted.caller, *([said.ALSO_CALLS[name]] if name in said.ALSO_CALLS else [])]
        )
        found[service(name)] = policy({"roles/run.invoker": callers})
        if private:
            found[f"/functions/{name}"] = 403
    found["/functions/api/health"] = {"status": "ok"}
    found["/functions/api/api/v1/beam/backfills"] = 401
    found[SCHEDULE] = {
        "state": "ENABLED",
        "schedule": "* * * * *",
        "httpTarget": {
            "uri": f"{url}/functions/sweep",
            "oidcToken": {
                "serviceAccountEmail": account("schedule"),
                "audience": f"{url}/functions/sweep",
            },
        },
    }
    return found


def of_egress(url: str) -> dict[str, Any]:
    links = [f"{url}{COMPUTE}/addresses/{said.EGRESS}-{number}" for number in range(len(ADDRESSES))]
    found: dict[str, Any] = {
        link.removeprefix(url): {"address": address, "status": "IN_USE", "selfLink": link}
        for link, address in zip(links, ADDRESSES, strict=True)
    }
    found[f"{COMPUTE}/routers/{said.EGRESS}"] = {
        "nats": [{"name": said.EGRESS, "natIpAllocateOption": "MANUAL_ONLY", "natIps": links}]
    }
    found[CONNECTOR] = {"state": "READY"}
    return found
