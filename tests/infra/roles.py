"""What each service account may do, and to what: all of it.

One line a right: who, the role, what it is granted on. `*` is the whole project; a role without a slash is
our own, its permissions stand below.
"""

from collections.abc import Iterator

from tests.infra.deployed import Deployment, Resource

ROLES = {
    ("api", "roles/datastore.user", "*"),
    ("api", "roles/pubsub.publisher", "topic backfills-stage"),
    ("stage", "roles/datastore.user", "*"),
    ("stage", "roles/pubsub.publisher", "topic backfills-stage"),
    ("stage", "roles/pubsub.publisher", "topic backfills-chunks"),
    ("stage", "roles/pubsub.publisher", "topic backfills-chunks-static"),
    ("stage", "roles/secretmanager.secretAccessor", "secret backfills-kafka"),
    ("stage", "roles/secretmanager.secretAccessor", "secret backfills-snowflake"),
    ("stage", "roles/secretmanager.secretAccessor", "* if organizations' secrets only"),
    ("stage", "backfillsStagedFilesRemover", "bucket staged"),
    ("deliver", "roles/datastore.user", "*"),
    ("deliver", "roles/pubsub.publisher", "topic backfills-stage"),
    ("deliver", "roles/pubsub.publisher", "topic backfills-chunks"),
    ("deliver", "roles/secretmanager.secretAccessor", "secret backfills-kafka"),
    ("deliver", "roles/secretmanager.secretAccessor", "* if organizations' secrets only"),
    ("deliver", "roles/storage.objectViewer", "bucket staged"),
    ("deliver-static", "roles/datastore.user", "*"),
    ("deliver-static", "roles/pubsub.publisher", "topic backfills-stage"),
    ("deliver-static", "roles/pubsub.publisher", "topic backfills-chunks-static"),
    ("deliver-static", "roles/secretmanager.secretAccessor", "secret backfills-kafka"),
    ("deliver-static", "roles/secretmanager.secretAccessor", "* if organizations' secrets only"),
    ("deliver-static", "roles/storage.objectViewer", "bucket staged"),
    ("dead-letter", "roles/datastore.user", "*"),
    ("dead-letter", "roles/pubsub.publisher", "topic backfills-stage"),
    ("sweep", "roles/datastore.user", "*"),
    ("sweep", "roles/pubsub.publisher", "topic backfills-stage"),
    ("sweep", "roles/secretmanager.secretAccessor", "secret backfills-snowflake"),
    # If the collector of traces requires headers.
    *(
        (name, "roles/secretmanager.secretAccessor", "secret backfills-traces")
        for name in ("api", "stage", "deliver", "deliver-static", "dead-letter", "sweep")
    ),
    # If the schema registry requires credentials.
    ("stage", "roles/secretmanager.secretAccessor", "secret backfills-registry"),
    ("deliver", "roles/secretmanager.secretAccessor", "secret backfills-registry"),
    ("deliver-static", "roles/secretmanager.secretAccessor", "secret backfills-registry"),
    # The callers.
    ("allUsers", "roles/run.invoker", "function api"),
    ("push", "roles/run.invoker", "function stage"),
    ("api", "roles/run.invoker", "function stage"),
    ("push", "roles/run.invoker", "function deliver"),
    ("push", "roles/run.invoker", "function deliver-static"),
    ("push", "roles/run.invoker", "function dead-letter"),
    ("schedule", "roles/run.invoker", "function sweep"),
    # Pub/Sub's own account: dead letters, and tokens for the push account.
    ("Pub/Sub", "roles/pubsub.publisher", "topic backfills-dead-letter"),
    ("Pub/Sub", "roles/pubsub.subscriber", "subscription backfills-stage"),
    ("Pub/Sub", "roles/pubsub.subscriber", "subscription backfills-chunks"),
    ("Pub/Sub", "roles/pubsub.subscriber", "subscription backfills-chunks-static"),
    ("Pub/Sub", "roles/iam.serviceAccountOpenIdTokenCreator", "account push"),
    # Snowflake, once its account is known.
    ("Snowflake", "backfillsUnloadWriter", "bucket staged"),
    # Building images, creating releases, deploying them.
    ("build", "roles/logging.logWriter", "*"),
    ("build", "roles/storage.objectViewer", "bucket sources"),
    ("build", "roles/storage.objectViewer", "* if functions' sources only"),
    ("build", "roles/artifactregistry.writer", "repository backfills"),
    ("release", "roles/logging.logWriter", "*"),
    ("release", "roles/storage.objectAdmin", "bucket sources if releases only"),
    ("release", "roles/storage.objectViewer", "bucket terraform"),
    ("release", "roles/storage.objectViewer", "bucket sources"),
    ("release", "backfillsPlanner", "*"),
    *(
        ("release", f"roles/{role}", "*")
        for role in (
            "artifactregistry.reader",
            "browser",
            "cloudbuild.builds.viewer",
            "cloudfunctions.viewer",
            "cloudquotas.viewer",
            "cloudscheduler.viewer",
            "compute.viewer",
            "iam.roleViewer",
            "iam.securityReviewer",
            "iam.serviceAccountViewer",
            "logging.viewer",
            "monitoring.viewer",
            "pubsub.viewer",
            "run.viewer",
            "secretmanager.viewer",
            "serviceusage.serviceUsageConsumer",
            "vpcaccess.viewer",
        )
    ),
    ("deploy", "backfillsSecretMaker", "*"),
    *(
        ("deploy", f"roles/{role}", "*")
        for role in (
            "artifactregistry.admin",
            "cloudbuild.builds.editor",
            "cloudfunctions.developer",
            "cloudquotas.admin",
            "cloudscheduler.admin",
            "compute.networkAdmin",
            "compute.securityAdmin",
            "datastore.owner",
            "iam.roleAdmin",
            "iam.serviceAccountAdmin",
            "logging.admin",
            "logging.logWriter",
            "monitoring.admin",
            "pubsub.admin",
            "resourcemanager.projectIamAdmin",
            "run.admin",
            "serviceusage.serviceUsageAdmin",
            "storage.admin",
            "vpcaccess.admin",
        )
    ),
    *(
        ("deploy", "roles/iam.serviceAccountUser", f"account {name}")
        for name in (
            "api",
            "stage",
            "deliver",
            "deliver-static",
            "dead-letter",
            "sweep",
            "push",
            "schedule",
            "build",
            "release",
            "deploy",
        )
    ),
}

PERMISSIONS = {
    "backfillsStagedFilesRemover": {"storage.objects.delete", "storage.objects.list"},
    "backfillsUnloadWriter": {
        "storage.buckets.get",
        "storage.objects.create",
        "storage.objects.delete",
        "storage.objects.get",
        "storage.objects.list",
    },
    "backfillsPlanner": {
        "datastore.backupSchedules.get",
        "datastore.backupSchedules.list",
        "datastore.databases.get",
        "datastore.databases.getMetadata",
        "datastore.indexes.get",
        "datastore.indexes.list",
        "datastore.operations.get",
        "storage.buckets.get",
    },
    "backfillsSecretMaker": {
        "secretmanager.secrets.create",
        "secretmanager.secrets.get",
        "secretmanager.secrets.getIamPolicy",
        "secretmanager.secrets.list",
        "secretmanager.secrets.setIamPolicy",
        "secretmanager.secrets.update",
    },
}

_NO_GRANTS = {"google_project_iam_custom_role", "google_project_iam_audit_config"}
_TARGETS = {
    "google_project_iam_member": "*",
    "google_pubsub_topic_iam_member": "topic {topic}",
    "google_pubsub_subscription_iam_member": "subscription {subscription}",
    "google_secret_manager_secret_iam_member": "secret {secret_id}",
    "google_storage_bucket_iam_member": "bucket {bucket}",
    "google_cloud_run_v2_service_iam_member": "function {name}",
    "google_artifact_registry_repository_iam_member": "repository {repository}",
    "google_service_account_iam_member": "account {service_account_id}",
}


def granted(deployment: Deployment) -> set[tuple[str, str, str]]:
    """Everything that the deployment grants to anybody. AssertionError for a grant of a kind not known
    here, such as one that replaces a whole policy.
    """
    return set(_granted(deployment))


def _granted(deployment: Deployment) -> Iterator[tuple[str, str, str]]:
    for resource in deployment.resources:
        if "_iam_" not in resource.kind or resource.kind in _NO_GRANTS:
            continue
        assert resource.kind in _TARGETS, f"{resource.address} grants in a way that is not looked at"
        yield (
            _who(deployment, resource.values["member"]),
            _role(deployment, resource.values["role"]),
            _target(deployment, resource),
        )


def _who(deployment: Deployment, member: str) -> str:
    if member.endswith("@gcp-sa-pubsub.iam.gserviceaccount.com"):
        return "Pub/Sub"
    if member.startswith("serviceAccount:"):
        # The mocks' own accounts have made-up members.
        return "Snowflake"
    return deployment.account(member)


def _role(deployment: Deployment, role: str) -> str:
    for custom in deployment.of("google_project_iam_custom_role"):
        if role == custom.values["name"]:
            return str(custom.values["role_id"])
    return role


def _target(deployment: Deployment, resource: Resource) -> str:
    values = dict(resource.values)
    for bucket in ("staged", "sources", "exports", "terraform"):
        if str(values.get("bucket", "")).endswith(f"-{bucket}"):
            values["bucket"] = bucket
    if "service_account_id" in values:
        values["service_account_id"] = deployment.account(values["service_account_id"])
    if resource.kind == "google_cloud_run_v2_service_iam_member":
        values["name"] = values["name"].removeprefix("backfills-")
    condition = "".join(f" if {condition['title']}" for condition in values.get("condition") or ())
    return _TARGETS[resource.kind].format(**values) + condition
