"""Replaces Cloud Scheduler: POSTs to one function at a steady pace, one call at a time."""

import threading

import urllib3

_LIMIT = 180.0  # Cloud Scheduler's own default for one attempt, seconds


class Scheduler:
    """POSTs to ``url`` every ``pause`` seconds. After a failed call it waits for the next turn."""

    def __init__(self, url: str, pause: float) -> None:
        self._url = url
        self._pause = pause
        self._stopping = threading.Event()
        self._http = urllib3.PoolManager(retries=False, timeout=_LIMIT)

    def start(self) -> None:
        threading.Thread(target=self._run, name="scheduler", daemon=True).start()

    def stop(self) -> None:
        """Make no further call. A call in progress continues."""
        self._stopping.set()

    def _run(self) -> None:
        while not self._stopping.wait(self._pause):
            try:
                self._http.request("POST", self._url, headers={"Connection": "close"})
            except urllib3.exceptions.HTTPError:
                continue  # the function is restarting, or stopped
