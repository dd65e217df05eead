"""Checks of the staging bucket: location, lifecycle and permissions."""

from collections.abc import Sequence
from typing import Any

from google.cloud.storage import Bucket

from shared.operator.doctor import expectations as said
from shared.operator.doctor.checks import Check, Verdict, apply_again, verdict, wrong
from shared.operator.doctor.google import SECONDS, members
from shared.operator.doctor.once import once
from shared.operator.doctor.world import World

_APPLY = apply_again("storage")


class StagingBucket:
    def __init__(self, world: World) -> None:
        self._world = world

    def checks(self) -> Sequence[Check]:
        return (
            Check("bucket.region", "Does the bucket exist, in Snowflake's region?", self._region, _APPLY),
            Check(
                "bucket.lifecycle", "Are staged files removed in time, not before?", self._lifecycle, _APPLY
            ),
            Check("bucket.soft-delete", "Are removed files gone at once?", self._soft_delete, _APPLY),
            Check(
                "bucket.access",
                "Is it private, without permissions on single objects?",
                self._access,
                _APPLY,
            ),
            Check("bucket.deliver", "May the delivery functions read it?", self._deliver, _APPLY),
            Check("bucket.stage", "May the staging function remove files?", self._stage, _APPLY),
            Check(
                "bucket.snowflake",
                "May Snowflake's account write to it?",
                self._snowflake,
                "put STORAGE_GCP_SERVICE_ACCOUNT of `DESC STORAGE INTEGRATION BACKFILLS_INTEGRATION` into"
                " snowflake.storage_account of the environment's file, and " + _APPLY,
            ),
        )

    @once
    def _bucket(self) -> Bucket:
        name = self._world.installation.staging_bucket
        return self._world.google.storage.get_bucket(name, timeout=SECONDS)

    @once
    def _policy(self) -> Any:
        name = self._world.installation.staging_bucket
        bucket = self._world.google.storage.bucket(name)
        policy = bucket.get_iam_policy(requested_policy_version=3, timeout=SECONDS)
        return {"bindings": [dict(one) for one in policy.bindings]}

    def _region(self) -> Verdict:
        wanted, found = self._world.installation.staging_region, str(self._bucket.location)
        faults = [] if found.lower() == wanted.lower() else [f"in {found} instead of {wanted}"]
        return verdict(faults, f"in {wanted}")

    def _lifecycle(self) -> Verdict:
        rules = [dict(rule) for rule in self._bucket.lifecycle_rules]
        wanted = {
            "Delete": self._world.installation.staged_files_days,
            "AbortIncompleteMultipartUpload": said.UNFINISHED_UPLOADS_DAYS,
        }
        faults = []
        for action, days in wanted.items():
            found = [rule["condition"] for rule in rules if rule["action"]["type"] == action]
            if found != [{"age": days}]:
                faults.append(f"{action} is done {found or 'never'} instead of after {days} days")
        return verdict(faults, f"files go after {wanted['Delete']} days")

    def _soft_delete(self) -> Verdict:
        kept = int(self._bucket.soft_delete_policy.retention_duration_seconds or 0)
        return verdict([f"removed files are billed for {kept} s more"] if kept else [], "at once")

    def _access(self) -> Verdict:
        rights, faults = self._bucket.iam_configuration, []
        if not rights.uniform_bucket_level_access_enabled:
            faults.append("objects may have their own permissions")
        if rights.public_access_prevention != "enforced":
            faults.append("public access is not prevented")
        return verdict(faults, "uniform, and not public")

    def _deliver(self) -> Verdict:
        return self._may("roles/storage.objectViewer", ("deliver", "deliver-static"), "read")

    def _stage(self) -> Verdict:
        role = f"projects/{self._world.installation.project}/roles/{said.REMOVER_ROLE}"
        return self._may(role, ("stage",), "list and remove")

    def _may(self, role: str, functions: Sequence[str], what: str) -> Verdict:
        wanted = {self._world.installation.member(name) for name in functions}
        missing = sorted(wanted - members(self._policy, role))
        return verdict([f"{one} may not {what}" for one in missing], f"{', '.join(functions)} may {what}")

    def _snowflake(self) -> Verdict:
        account = self._world.installation.storage_account
        if not account:
            return wrong("snowflake.storage_account of the environment is empty")
        role = f"projects/{self._world.installation.project}/roles/{said.UNLOAD_ROLE}"
        if f"serviceAccount:{account}" not in members(self._policy, role):
            return wrong(f"{account} may not write")
        return verdict([], f"{account} may")
