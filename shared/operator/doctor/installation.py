"""The installation, as Terraform's output ``installation`` describes it."""

import dataclasses
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_origin

from shared.config import ConfigurationError


@dataclass(frozen=True, slots=True, kw_only=True)
class Installation:
    """Names, places and an environment's numbers. No secrets."""

    project: str
    project_number: str
    region: str
    staging_region: str
    firestore_location: str
    protect_data: bool
    # Days after which the bucket removes staged files.
    staged_files_days: int
    deliver_instances: int
    api_instances: Mapping[str, int]
    marker_days: int
    secret_versions: Mapping[str, str]
    staging_bucket: str
    sources_bucket: str
    snowflake_stage: str
    # The operator's own registry, or empty.
    schema_registry: str
    # The Google account that Snowflake uses to write.
    storage_account: str
    urls: Mapping[str, str]
    egress_addresses: Sequence[str]
    # The functions that use these addresses.
    egress_functions: Sequence[str]

    def account(self, name: str) -> str:
        """Return the e-mail address of the service account ``backfills-{name}``."""
        return f"backfills-{name}@{self.project}.iam.gserviceaccount.com"

    def member(self, name: str) -> str:
        """Return the same account as a member of a policy."""
        return f"serviceAccount:{self.account(name)}"


def read_installation(path: Path) -> Installation:
    """Read Terraform's output. Raises ConfigurationError for missing or invalid values."""
    given = read_object(path)
    faults, values = list[str](), dict[str, Any]()
    for field in dataclasses.fields(Installation):
        value = given.get(field.name)
        if not isinstance(value, _plain(field.type)):
            faults.append(field.name)
        values[field.name] = value
    if faults:
        raise ConfigurationError(
            f"{path} lacks {', '.join(faults)}: write it with"
            " `terraform -chdir=infra output -raw installation`"
        )
    return Installation(**values)


def read_object(path: Path) -> dict[str, Any]:
    """Return the JSON object in a file. Raises ConfigurationError if there is none."""
    try:
        found = json.loads(path.read_text())
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise ConfigurationError(f"{path} is not JSON") from error
    if not isinstance(found, dict):
        raise ConfigurationError(f"{path} is not a JSON object")
    return found


def _plain(kind: Any) -> type:
    """Return JSON's type for a field's type."""
    plain: type = {Mapping: dict, Sequence: list}.get(get_origin(kind) or kind, kind)
    return plain
