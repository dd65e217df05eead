"""Objects in buckets, read over GCS's API."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from infra.local.calls import call


def staged_files(endpoints: Mapping[str, Any], job: Mapping[str, Any]) -> dict[str, bytes]:
    """Return the job's objects in the bucket, of any attempt: the contents by name."""
    return objects_in(endpoints, endpoints["bucket"], f"{job['organization_id']}/{job['job_id']}/")


def objects_in(endpoints: Mapping[str, Any], bucket: str, prefix: str) -> dict[str, bytes]:
    """Return the objects whose names begin with the prefix: the contents by name."""
    objects = f"{endpoints['gcs_url']}/storage/v1/b/{bucket}/o"
    listed = call("GET", f"{objects}?prefix={quote(prefix, safe='')}").json().get("items", [])
    names = [item["name"] for item in listed]
    return {name: call("GET", f"{objects}/{quote(name, safe='')}?alt=media").data for name in names}
