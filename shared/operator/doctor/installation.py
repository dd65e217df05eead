"""What this installation is, as Terraform's output ``installation`` says."""

import dataclasses
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_origin

from shared.config import ConfigurationError


@dataclass(frozen=True, slots=True, kw_only=True)
class Installation:
    """Names, places and the numbers that an environment chooses. No secrets."""

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
    # The Google account that Snowflake writes with.
    storage_account: str
    urls: Mapping[str, str]
    egress_addresses: Sequence[str]

    def account(self, name: str) -> str:
        """The e-mail address of the service account ``backfills-{name}``."""
        return f"backfills-{name}@{self.project}.iam.gserviceaccount.com"

    def member(self, name: str) -> str:
        """The same account as a policy names it."""
        return f"serviceAccount:{self.account(name)}"


def read_installation(path: Path) -> Installation:
    """Read Terraform's output; ConfigurationError says what is missing or no such thing."""
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
    """The JSON object that a file holds; ConfigurationError says why it does not."""
    try:
        found = json.loads(path.read_text())
    except OSError as error:
        raise ConfigurationError(f"{path} can't be read: {error.strerror}") from error
    except ValueError as error:
        raise ConfigurationError(f"{path} is no JSON") from error
    if not isinstance(found, dict):
        raise ConfigurationError(f"{path} is no JSON object")
    return found


def _plain(kind: Any) -> type:
    """What JSON has in place of a field's type."""
    plain: type = {Mapping: dict, Sequence: list}.get(get_origin(kind) or kind, kind)
    return plain
