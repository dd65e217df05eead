"""The staged files of a job, over GCS's own interface."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import urllib3


def staged_files(endpoints: Mapping[str, Any], job: Mapping[str, Any]) -> dict[str, bytes]:
    """What lies in the bucket for a job, of any attempt: the content by the name."""
    objects = f"{endpoints['gcs_url']}/storage/v1/b/{endpoints['bucket']}/o"
    prefix = quote(f"{job['organization_id']}/{job['job_id']}/", safe="")
    listed = urllib3.request("GET", f"{objects}?prefix={prefix}").json().get("items", [])
    names = [item["name"] for item in listed]
    return {
        name: urllib3.request("GET", f"{objects}/{quote(name, safe='')}?alt=media").data for name in names
    }
