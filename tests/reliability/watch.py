"""Watches the records of jobs during a test, and records what must never be seen."""

from typing import Any

from tests.reliability.records import Records

_TERMINAL = {"completed", "failed", "cancelled"}
_FINAL = ("status", "time_completed", "error_message", "num_chunks")


class Watch:
    """All jobs with one name. ``counts_wrong`` and ``changed`` are sentences, empty without faults."""

    def __init__(self, records: Records, job_name: str) -> None:
        self._records = records
        self._job_name = job_name
        self._ended: dict[str, tuple[Any, ...]] = {}
        self.counts_wrong: set[str] = set()
        self.changed: set[str] = set()

    def look(self) -> list[dict[str, Any]]:
        """Return the jobs as they are now."""
        jobs = self._records.jobs(self._job_name)
        for job in jobs:
            self._look_at(job)
        return jobs

    def _look_at(self, job: dict[str, Any]) -> None:
        name = f"{self._job_name} ({job['job_id']})"
        # Read the counts after the job: a completed one has no chunk left, and never gets one back.
        counts = self._records.counts(job)
        if any(count < 0 for count in counts):
            self.counts_wrong.add(f"{name}: chunks_left {counts}")
        if job["status"] == "completed" and sum(counts) != 0:
            self.counts_wrong.add(f"{name}: completed with chunks_left {counts}")
        if job["status"] in _TERMINAL:
            # A retry may end differently.
            final = (job["retry"], *(job[field] for field in _FINAL))
            first = self._ended.setdefault(job["job_id"], final)
            if final != first and final[0] == first[0]:
                self.changed.add(f"{name}: was {first}, became {final}")
            self._ended[job["job_id"]] = final
        elif job["job_id"] in self._ended and job["retry"] == self._ended[job["job_id"]][0]:
            self.changed.add(f"{name}: was {self._ended[job['job_id']]}, became {job['status']}")
