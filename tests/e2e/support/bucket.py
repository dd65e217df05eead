"""The staged files of a job, read over GCS's API."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import urllib3


def staged_files(endpoints: Mapping[str, Any], job: Mapping[str, Any]) -> dict[str, bytes]:
    """Return the job's objects in the bucket, of any attempt: the contents by name."""
    objects = f"{endpoints['gcs_url']}/storage/v1/b/{endpoints['bucket']}/o"
    prefix = quote(f"{job['organization_id']}/{job['job_id']}/", safe="")
    listed = urllib3.request("GET", f"{objects}?prefix={prefix}").json().get("items", [])
    names = [item["name"] for item in listed]
    return {
        name: urllib3.request("GET", f"{objects}/{quote(name, safe='')}?alt=media").data for name in names
    }
