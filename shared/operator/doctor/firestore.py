"""Checks of Firestore: the database, its indexes, expiry, backups, and read access."""

from collections.abc import Sequence
from datetime import UTC, datetime

from google.cloud.firestore_admin_v1 import types as admin

from shared.adapters.google_errors import reaching
from shared.bootstrap.clients import firestore_client
from shared.operator import keys
from shared.operator.doctor import expectations as said
from shared.operator.doctor.checks import Check, Verdict, apply_again, ok, verdict, wrong
from shared.operator.doctor.google import SECONDS
from shared.operator.doctor.once import once
from shared.operator.doctor.world import World

_APPLY = apply_again("database")
_NATIVE = admin.Database.DatabaseType.FIRESTORE_NATIVE
_RECOVERS = admin.Database.PointInTimeRecoveryEnablement.POINT_IN_TIME_RECOVERY_ENABLED
_PROTECTED = admin.Database.DeleteProtectionState.DELETE_PROTECTION_ENABLED
_ORDER = admin.Index.IndexField.Order
_EXEMPT = "indexConfig.usesAncestorConfig:false OR ttlConfig:*"


class Firestore:
    """Each fact is read once, for all checks that use it."""

    def __init__(self, world: World) -> None:
        self._world = world

    def checks(self) -> Sequence[Check]:
        return (
            Check(
                "firestore.database", "Does the database exist, native, in its region?", self._kind, _APPLY
            ),
            Check("firestore.recovery", "Are seven days of versions kept?", self._recovery, _APPLY),
            Check(
                "firestore.protection", "Is its deletion protection as configured?", self._protection, _APPLY
            ),
            Check("firestore.indexes", "Is every composite index ready?", self._composite, _APPLY),
            Check("firestore.fields", "Is every queried single field indexed?", self._single, _APPLY),
            Check("firestore.unindexed", "Does no other field cost index entries?", self._unindexed, _APPLY),
            Check("firestore.expiry", "Are old idempotency keys removed?", self._expiry, _APPLY),
            Check("firestore.backups", "Is there a backup each day for two weeks?", self._backups, _APPLY),
            Check(
                "firestore.keys",
                "Can records be read, and is there an API key?",
                self._keys,
                '.venv/bin/python -m shared.operator keys create "$ORGANIZATION" --label "first key"',
            ),
        )

    @property
    def _path(self) -> str:
        return f"projects/{self._world.installation.project}/databases/{said.DATABASE}"

    @once
    def _database(self) -> admin.Database:
        return self._world.google.firestore.get_database(name=self._path, timeout=SECONDS)

    @once
    def _fields(self) -> dict[tuple[str, str], admin.Field]:
        """Return the fields whose settings differ from the database's default, by collection and field."""
        request = {"parent": f"{self._path}/collectionGroups/-", "filter": _EXEMPT}
        found = self._world.google.firestore.list_fields(request=request, timeout=SECONDS)
        return {(one.name.split("/")[-3], one.name.split("/")[-1]): one for one in found}

    def _kind(self) -> Verdict:
        faults = []
        if self._database.type_ != _NATIVE:
            faults.append(f"its type is {self._database.type_.name}")
        wanted = self._world.installation.firestore_location
        if self._database.location_id != wanted:
            faults.append(f"in {self._database.location_id} instead of {wanted}")
        return verdict(faults, f"native, in {wanted}")

    def _recovery(self) -> Verdict:
        is_on = self._database.point_in_time_recovery_enablement == _RECOVERS
        return verdict([] if is_on else ["point-in-time recovery is off"], "point-in-time recovery is on")

    def _protection(self) -> Verdict:
        wanted = self._world.installation.protect_data
        is_on = self._database.delete_protection_state == _PROTECTED
        word = {True: "protected", False: "not protected"}
        return verdict(
            [] if is_on == wanted else [f"{word[is_on]} from deletion, should be {word[wanted]}"],
            word[wanted],
        )

    def _composite(self) -> Verdict:
        parent = f"{self._path}/collectionGroups/-"
        listed = self._world.google.firestore.list_indexes(parent=parent, timeout=SECONDS)
        found = {(one.name.split("/")[-3], _columns(one)): one.state for one in listed}
        faults = []
        for index in sorted(said.COMPOSITE):
            state = found.get(index)
            if state != admin.Index.State.READY:
                how = "missing" if state is None else state.name
                faults.append(f"{index[0]} by {', '.join(index[1])}: {how}")
        return verdict(faults, f"{len(said.COMPOSITE)} ready")

    def _single(self) -> Verdict:
        faults = []
        for name, scope in said.SINGLE.items():
            collection, field = name.split(".")
            config = self._fields.get((collection, field), admin.Field()).index_config
            scopes = {one.query_scope.name for one in config.indexes if one.state != _CREATING}
            if scope not in scopes:
                faults.append(f"{name}: no index of the scope {scope}")
        return verdict(faults, f"{len(said.SINGLE)} indexed")

    def _unindexed(self) -> Verdict:
        faults = [
            f"{collection}: its fields are indexed"
            for collection in sorted(said.UNINDEXED)
            if (found := self._fields.get((collection, "*"))) is None or found.index_config.indexes
        ]
        return verdict(faults, f"{len(said.UNINDEXED)} collections have only the indexes that they need")

    def _expiry(self) -> Verdict:
        found = self._fields.get(said.EXPIRES)
        state = admin.Field.TtlConfig.State.STATE_UNSPECIFIED if found is None else found.ttl_config.state
        if state != admin.Field.TtlConfig.State.ACTIVE:
            return wrong(
                f"{'.'.join(said.EXPIRES)}: the time to live is {admin.Field.TtlConfig.State(state).name}"
            )
        return ok(f"{'.'.join(said.EXPIRES)} is active")

    def _backups(self) -> Verdict:
        listed = self._world.google.firestore.list_backup_schedules(parent=self._path, timeout=SECONDS)
        kept = [one.retention.total_seconds() for one in listed.backup_schedules if "daily_recurrence" in one]
        if not kept:
            return wrong("no daily backup")
        if max(kept) < said.BACKUP_SECONDS:
            return wrong(f"a daily backup is kept for {max(kept) / 86_400:g} days only")
        return ok("daily, for two weeks")

    def _keys(self) -> Verdict:
        with reaching("Firestore"):
            issued = keys.issued(firestore_client(self._world.settings))
        now = datetime.now(UTC)
        valid = [key for key in issued if key.revoked is None or key.revoked > now]
        if not valid:
            return wrong("there is no API key that is valid")
        return ok(
            f"{len(valid)} valid API keys of {len({key.organization_id for key in valid})} organizations"
        )


_CREATING = admin.Index.State.CREATING


def _columns(index: admin.Index) -> tuple[str, ...]:
    """Return the fields in order, descending ones with a minus, without the name that Firestore adds."""
    return tuple(
        f"{'-' if one.order == _ORDER.DESCENDING else ''}{one.field_path}"
        for one in index.fields
        if one.field_path != "__name__"
    )
