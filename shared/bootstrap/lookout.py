"""Wire the check of a slice's destinations."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from shared.bootstrap.clients import monotonic
from shared.bootstrap.destinations import Parts, surroundings
from shared.bootstrap.logs import log
from shared.config import Settings
from shared.destinations import KINDS, destination
from shared.destinations.kind import Presence, WouldWait
from shared.destinations.patience import begun
from shared.destinations.rotation import presence_of
from shared.domain.columns import Column
from shared.domain.errors import DestinationRefused, RetryLater
from shared.domain.slices import Slice
from shared.steps.estimate import Look, Unfit
from shared.steps.sending import ChunkDelivery, without_rows

_SECONDS = 8.0


def build(settings: Settings) -> Look:
    """Check each destination in its own thread. When time runs out, nothing waits for these threads."""
    builders = {name: presence_of(kind.presence) for name, kind in KINDS.items() if kind.presence is not None}
    return partial(_Looks, Parts(builders, surroundings(settings)))


class _Looks:
    """Start to check a slice's destinations. Calling the object returns what it has found."""

    def __init__(self, presences: Mapping[str, Presence], wanted: Slice, columns: Sequence[Column]) -> None:
        self._until = monotonic() + _SECONDS
        self._begun = [
            (place, begun(partial(self._why_not, presences, _delivery(wanted, columns, fields))))
            for place, fields in wanted.looked_at
        ]

    def __call__(self, seconds: float) -> Unfit:
        until = min(self._until, monotonic() + seconds)
        found = []
        for place, look in self._begun:
            try:
                why = look.result(max(0.0, until - monotonic()))
            except TimeoutError:
                continue
            if why is not None:
                found.append((place, why))
        return tuple(found)

    def _why_not(self, presences: Mapping[str, Presence], delivery: ChunkDelivery) -> str | None:
        try:
            presences[delivery.destination.type].require(delivery, self._until)
        except (DestinationRefused, WouldWait) as found:
            return found.message
        except RetryLater:
            return None  # the destination may be available when the job runs
        except Exception as error:  # noqa: BLE001 - the estimate is useful without this check
            log(logging.WARNING, "a destination could not be checked", {"detail": type(error).__name__})
        return None


def _delivery(wanted: Slice, columns: Sequence[Column], fields: Mapping[str, Any]) -> ChunkDelivery:
    delivery = without_rows(wanted.organization_id, destination(**fields))
    return replace(delivery, table=wanted.table, columns=columns)
