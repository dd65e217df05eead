"""The number of an organization's requests of one kind in the current minute.

``organizations/{organization}/rates/{what}`` = ``{minute, count}``.
"""

import math

from google.api_core.exceptions import AlreadyExists, FailedPrecondition, NotFound
from google.cloud import firestore

from shared.adapters.firestore_documents import CALL, RACES, fields_of
from shared.adapters.google_errors import reaching
from shared.domain.errors import TooOften, Unavailable
from shared.steps.ports import Clock

_MINUTE = 60


class FirestoreRates:
    """Implements the port Rates; ``most`` is the limit per minute and organization."""

    def __init__(self, client: firestore.Client, what: str, most: int, now: Clock) -> None:
        self._client = client
        self._what = what
        self._most = most
        self._now = now

    def take(self, organization_id: str) -> None:
        """Count one request. Raises TooOften, with the seconds to wait, if it exceeds the limit."""
        reference = self._client.document("organizations", organization_id, "rates", self._what)
        with reaching("the job store"):
            for _ in range(RACES):
                seconds = self._now().timestamp()
                minute = int(seconds // _MINUTE)
                snapshot = reference.get(**CALL)
                fields = fields_of(snapshot)
                count = fields["count"] if fields.get("minute") == minute else 0
                if count >= self._most:
                    raise TooOften(self._what, self._most, math.ceil(_MINUTE - seconds % _MINUTE))
                taken = {"minute": minute, "count": count + 1}
                try:
                    if snapshot.exists:
                        option = self._client.write_option(last_update_time=snapshot.update_time)
                        reference.update(taken, option, **CALL)
                    else:
                        reference.create(taken, **CALL)
                except (AlreadyExists, FailedPrecondition, NotFound):
                    continue
                return
        raise Unavailable("the job store", detail="the rate kept changing while it was counted")
