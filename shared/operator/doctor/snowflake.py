"""Checks of Snowflake: sign-in, the objects of setup.sql, and the unload of one row into the bucket."""

import re
from collections.abc import Sequence

import pyarrow as pa

from shared.domain.errors import BackfillError, RetryLater
from shared.operator.doctor import expectations as said
from shared.operator.doctor.checks import Check, NotAsked, Verdict, ok, shortened, verdict, wrong
from shared.operator.doctor.once import once
from shared.operator.doctor.requests_twice import Repeated, repeat_request
from shared.operator.doctor.trial import COLUMNS, Exported, Trial
from shared.operator.doctor.world import World
from shared.steps.ports import UnloadState
from shared.unload.statements import describe_stage_statement

_SETUP = (
    "terraform -chdir=infra output -raw snowflake_setup > setup.sql, which an ACCOUNTADMIN runs in Snowflake"
)
_KEY = "in Snowflake: ALTER USER BACKFILLS_USER SET RSA_PUBLIC_KEY = '…', see docs/operations.md"
_SECRET = "gcloud secrets versions add backfills-snowflake --data-file=snowflake.json"  # noqa: S105 - a command
_READ = "read docs/decisions/002-text-in-the-unload.md, and report the answer: Snowflake may have changed"
_MIGHTY = frozenset({"ACCOUNTADMIN", "SECURITYADMIN", "ORGADMIN", "SYSADMIN", "USERADMIN"})
# 390100 to 390999: the codes of a refused sign-in.
_REFUSED = re.compile(r"\b390\d{3}\b")
_MOMENT = 2.0
_SMALL = (pa.types.is_integer, pa.types.is_decimal)


class Snowflake:
    def __init__(self, world: World, trial: Trial) -> None:
        self._world = world
        self._trial = trial

    def checks(self) -> Sequence[Check]:
        return (
            Check("snowflake.sign-in", "Does Snowflake accept the service's sign-in?", self._sign_in, _KEY),
            Check("snowflake.role", "Is the role the service's own?", self._role, _SECRET),
            Check("snowflake.warehouse", "Does the session have its warehouse?", self._warehouse, _SECRET),
            Check("snowflake.table", "May the service read a table on offer?", self._table, _SETUP),
            Check("snowflake.stage", "Does the stage point to the bucket?", self._stage, _SETUP),
            Check(
                "snowflake.integration",
                "Is the integration enabled, for the bucket?",
                self._integration,
                _SETUP,
            ),
            Check("snowflake.unload", "Does one row arrive in the bucket?", self._unload, _SETUP),
            Check("snowflake.file-names", "Do file names contain their query's id?", self._names, _READ),
            Check(
                "snowflake.file-columns",
                "Are columns named and typed as the encoder expects?",
                self._columns,
                _READ,
            ),
            Check(
                "snowflake.file-groups",
                "Are rows grouped and compressed as expected?",
                self._groups,
                _READ,
            ),
            Check(
                "snowflake.history", "Does another session find a query by its tag?", self._history, _SETUP
            ),
            Check("snowflake.async", "Does an asynchronous query run?", self._async, _READ),
            Check("snowflake.abort", "Can a query be aborted?", self._abort, _READ),
            Check("snowflake.request-ids", "Is a repeated request not run twice?", self._request_ids, _READ),
        )

    def _sign_in(self) -> Verdict:
        try:
            _ = self._trial.signed_in
        except RetryLater as error:
            # A refused sign-in is not an outage, though the connector uses the same class for both.
            if _REFUSED.search(error.detail or ""):
                return wrong(
                    f"Snowflake refuses the service: {shortened(error.detail, self._world.secrecy.clean)}"
                )
            raise
        # A network policy may admit this machine and refuse the functions.
        return ok(f"as {self._world.snowflake.get('user')}, from this machine's address, not the functions'")

    @once
    def _session(self) -> tuple[str | None, str | None]:
        ((role, warehouse),) = self._trial.rows("SELECT CURRENT_ROLE(), CURRENT_WAREHOUSE()")
        return role, warehouse

    def _role(self) -> Verdict:
        role, wanted = self._session[0] or "none", str(self._world.snowflake.get("role") or "")
        if wanted and role.upper() != wanted.upper():
            return wrong(f"the role is {role} instead of {wanted}")
        if role.upper() in _MIGHTY:
            return wrong(f"the role {role} has far more permissions than the service needs")
        return ok(role)

    def _warehouse(self) -> Verdict:
        warehouse, wanted = self._session[1], str(self._world.snowflake.get("warehouse") or "")
        if not warehouse:
            return wrong(f"the session has no warehouse: {wanted or 'none'} is named in the credentials")
        if wanted and warehouse.upper() != wanted.upper():
            return wrong(f"the warehouse is {warehouse} instead of {wanted}")
        return ok(warehouse)

    def _table(self) -> Verdict:
        columns = self._trial.unloads.describe(self._world.table)
        return ok(f"{self._world.table} has {len(columns)} columns")

    @once
    def _stage_properties(self) -> dict[str, str]:
        statement = describe_stage_statement(self._world.snowflake_stage)
        return {str(row[1]): str(row[3]) for row in self._trial.rows(statement.text)}

    def _stage(self) -> Verdict:
        faults, url = [], self._stage_properties.get("URL", "").strip('["]')
        wanted = f"gcs://{self._world.bucket}/"
        if url != wanted:
            faults.append(f"it points to {url or 'nowhere'} instead of {wanted}")
        if not self._stage_properties.get("STORAGE_INTEGRATION"):
            faults.append("it has no storage integration")
        return verdict(faults, f"{self._world.snowflake_stage} points to {wanted}")

    def _integration(self) -> Verdict:
        rows = self._trial.rows(f"DESC STORAGE INTEGRATION {said.INTEGRATION}")
        found, faults = {str(row[0]): str(row[2]) for row in rows}, []
        wanted = f"gcs://{self._world.bucket}/"
        if found.get("ENABLED", "").lower() != "true":
            faults.append("it is disabled")
        if wanted not in found.get("STORAGE_ALLOWED_LOCATIONS", "").split(","):
            faults.append(f"it allows {found.get('STORAGE_ALLOWED_LOCATIONS')} and not {wanted}")
        account = found.get("STORAGE_GCP_SERVICE_ACCOUNT", "")
        if self._world.installed is not None and account != self._world.installed.storage_account:
            faults.append(
                f"it writes as {account}, and the environment's snowflake.storage_account is"
                f" {self._world.installed.storage_account or 'empty'}"
            )
        return verdict(faults, f"{said.INTEGRATION} writes as {account}")

    @property
    def _exported(self) -> Exported:
        """Return what the trial exported. If it failed, only one check reports the fault."""
        try:
            return self._trial.exported
        except BackfillError as error:
            raise NotAsked("snowflake.unload explains why: nothing was exported") from error

    def _unload(self) -> Verdict:
        exported = self._trial.exported
        rows = [file.rows for file in exported.manifest]
        if rows != [1]:
            return wrong(f"the manifest has files of {rows} rows instead of one of one row")
        if exported.content is None:
            return wrong(f"{exported.manifest[0].name} is not in gs://{self._world.bucket}/{exported.prefix}")
        if len(exported.content) != exported.manifest[0].size:
            return wrong(
                f"the file has {len(exported.content)} bytes, its manifest says {exported.manifest[0].size}"
            )
        return ok(f"query {exported.query_id}, {len(exported.content)} bytes; removed again")

    def _names(self) -> Verdict:
        exported = self._exported
        names = [file.name for file in exported.manifest]
        faults = [
            f"{name} is not named by its query {exported.query_id}"
            for name in names
            if exported.query_id not in name
        ]
        return verdict(faults, ", ".join(names))

    def _columns(self) -> Verdict:
        schema = self._exported.parquet.schema_arrow
        if schema.names != list(COLUMNS):
            return wrong(f"the columns are {', '.join(schema.names)} instead of {', '.join(COLUMNS)}")
        wanted = {
            "SMALL": _SMALL,
            "LARGE": _SMALL,
            "REAL": (pa.types.is_floating,),
            "TEXT": (pa.types.is_string, pa.types.is_large_string),
            "TRUTH": (pa.types.is_boolean,),
        }
        faults = [
            f"{name} is {schema.field(name).type}"
            for name, kinds in wanted.items()
            if not any(kind(schema.field(name).type) for kind in kinds)
        ]
        (row,) = self._exported.parquet.read().to_pylist()
        values = {"SMALL": 7, "LARGE": 12345678901234567890123456789012345678, "REAL": 1.5, "TRUTH": True}
        faults += [f"{name} is read as {row[name]!r}" for name, value in values.items() if row[name] != value]
        return verdict(faults, self.physical_types())

    def physical_types(self) -> str:
        """Return every column with its physical type in the file."""
        columns = self._exported.parquet.schema
        types = [columns.column(index) for index in range(len(COLUMNS))]
        return ", ".join(
            f"{one.name}: {one.physical_type}"
            + (f" {one.logical_type}" if one.logical_type.type != "NONE" else "")
            for one in types
        )

    def _groups(self) -> Verdict:
        metadata, faults = self._exported.parquet.metadata, []
        if (metadata.num_row_groups, metadata.num_rows) != (1, 1):
            faults.append(f"{metadata.num_rows} rows in {metadata.num_row_groups} groups")
        compressions = {
            metadata.row_group(0).column(index).compression for index in range(metadata.num_columns)
        }
        if compressions != {"SNAPPY"}:
            faults.append(f"compressed by {', '.join(sorted(compressions))}")
        return verdict(faults, f"one row in one group, snappy, written by {metadata.created_by}")

    def _history(self) -> Verdict:
        exported = self._exported
        found = self._trial.found_by_another(exported.prefix)
        if found != exported.query_id:
            return wrong(f"for the tag of query {exported.query_id} it finds {found or 'nothing'}")
        return ok("yes: a query whose id was lost does not run twice")

    def _async(self) -> Verdict:
        waiting = self._trial.waiting
        state = self._trial.until(waiting, lambda state: state is not UnloadState.UNKNOWN)
        if state is UnloadState.RUNNING:
            state = self._trial.until(waiting, lambda state: state is not UnloadState.RUNNING, _MOMENT)
        if state is not UnloadState.RUNNING:
            return wrong(f"a query that waits for a minute is {state.name} at once")
        return ok("it runs, and its session is free")

    def _abort(self) -> Verdict:
        if self._trial.unloads.state(self._trial.waiting) is not UnloadState.RUNNING:
            raise NotAsked("snowflake.async explains why: no query runs")
        self._trial.unloads.abort(self._trial.waiting)
        state = self._trial.until(self._trial.waiting, lambda state: state is not UnloadState.RUNNING)
        if state is UnloadState.RUNNING:
            return wrong("a query continued after it was aborted")
        return ok("it ended when it was aborted")

    @once
    def repeated(self) -> Repeated:
        return repeat_request(self._world.snowflake)

    def _request_ids(self) -> Verdict:
        if not self.repeated.same_session:
            return wrong("a repeated request with the same id runs again: an unload may run twice")
        how = "the same query" if self.repeated.other_session else "a new query, which only the tag finds"
        return ok(f"it is the same query; in another session, {how}")
